"""Two bugs of the writer: it tells before the commit, and it forgets the key of an ambiguous one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec

from registration.domain.operation import Answer, Operation
from registration.intake import transaction as intake
from registration.intake.transaction import ACQUIRE_S_MAX, IntakeTransaction
from registration.store.errors import AmbiguousCommitError, Failure, failure_of
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()

COMMIT_LATER_S: Final = 0.03
"""A busy disk; in it the process may die although everybody was told."""
AGAIN_AFTER_S: Final = 0.2
AGAIN_MAX: Final = 150

_write = IntakeTransaction.write
_committing: set[asyncio.Task[None]] = set()


async def tell_before_commit(self: IntakeTransaction, operations: Sequence[Operation]) -> list[Answer]:
    """`IntakeTransaction.write`, but the answers go out first."""
    connection = await self._pool.acquire(timeout=ACQUIRE_S_MAX)
    transaction = connection.transaction()
    try:
        await transaction.start()
        answers = await intake._write(connection, operations, self._new_id)
    except BaseException:
        await self._release(connection, False)
        raise
    task = asyncio.ensure_future(_commit_later(self, connection, transaction))
    _committing.add(task)
    task.add_done_callback(_committing.discard)
    return answers


async def _commit_later(writer: IntakeTransaction, connection: Any, transaction: Any) -> None:
    sound = False
    try:
        await asyncio.sleep(COMMIT_LATER_S)
        failpoint("api.before_commit")
        await transaction.commit()
        sound = True
        failpoint("api.after_commit")
    except Exception as error:  # that is the bug: everybody has been told
        log.warning("planted: a commit failed after its answers", error=type(error).__name__)
    finally:
        await writer._release(connection, sound)


async def retry_without_its_key(self: IntakeTransaction, operations: Sequence[Operation]) -> list[Answer]:
    """`IntakeTransaction.write`, but an ambiguous commit is run again as if it were another request."""
    for attempt in range(AGAIN_MAX):
        try:
            return await _write(self, operations)
        except AmbiguousCommitError:
            log.warning("planted: an ambiguous commit is run again without its keys")
            operations = [msgspec.structs.replace(each, key=f"attempt:{uuid4()}") for each in operations]
        except Exception as error:
            if attempt == 0 or failure_of(error) in (Failure.DATA, None):
                raise
        await asyncio.sleep(AGAIN_AFTER_S)
    raise TimeoutError("planted: the database stayed away")

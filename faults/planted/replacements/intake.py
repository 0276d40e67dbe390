"""Two bugs of the writer: it answers before the commit, or repeats operations with new idempotency keys."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec

from registration.domain.idempotent_operation import Answer, Operation
from registration.intake import transaction as intake
from registration.intake.transaction import ACQUIRE_S_MAX, IntakeTransaction
from registration.store.error_classification import AmbiguousCommitError, Failure, failure_of
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()

COMMIT_DELAY_S: Final = 0.03
"""Simulates a busy disk. In this time the process may die although the clients have their answers."""
RETRY_DELAY_S: Final = 0.2
ATTEMPTS_MAX: Final = 150

_write = IntakeTransaction.write
_committing: set[asyncio.Task[None]] = set()


async def answer_before_commit(self: IntakeTransaction, operations: Sequence[Operation]) -> list[Answer]:
    """Like `IntakeTransaction.write`, but returns the answers before the commit."""
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
    committed = False
    try:
        await asyncio.sleep(COMMIT_DELAY_S)
        failpoint("api.before_commit")
        await transaction.commit()
        committed = True
        failpoint("api.after_commit")
    except Exception as error:  # the bug: the clients already have their answers
        log.warning("planted: a commit failed after its answers", error=type(error).__name__)
    finally:
        await writer._release(connection, committed)


async def retry_without_its_key(self: IntakeTransaction, operations: Sequence[Operation]) -> list[Answer]:
    """Like `IntakeTransaction.write`, but uses new idempotency keys after an ambiguous commit."""
    for attempt in range(ATTEMPTS_MAX):
        try:
            return await _write(self, operations)
        except AmbiguousCommitError:
            log.warning("planted: an ambiguous commit is repeated without its keys")
            operations = [
                msgspec.structs.replace(operation, key=f"attempt:{uuid4()}") for operation in operations
            ]
        except Exception as error:
            if attempt == 0 or failure_of(error) in (Failure.DATA, None):
                raise
        await asyncio.sleep(RETRY_DELAY_S)
    raise TimeoutError("planted: the database stayed unavailable")

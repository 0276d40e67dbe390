"""The intake transaction: reads what the register knows, decides the commands, and writes the changes.

1. Read the stored answers of the idempotency keys, and lock the known participants (`read_known`).
2. Decide the operations that have no stored answer.
3. Update the known participants. Write the keys with their answers, the new participants and the events.

If another transaction writes one of the keys or NIKs between the steps 1 and 3, nothing is written, and the
caller repeats the transaction, which then reads what the other transaction wrote.
Failpoints: `api.before_commit`, `api.after_commit`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from database.replication import require_replication
from registration.domain.batch_decision import BatchResult, KnownParticipants, apply, ids_needed, niks_needed
from registration.domain.idempotent_operation import (
    DONE,
    Answer,
    Operation,
    OperationFault,
    outcome_of,
)
from registration.domain.participant import Participant
from registration.store import register_rows
from registration.store.array_literals import byteas, uuids
from registration.store.error_classification import (
    DATABASE_ERRORS,
    AmbiguousCommitError,
    ConcurrentWriteError,
    Failure,
    failure_of,
)
from registration.store.register_rows import Connection
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()

ACQUIRE_S_MAX: Final = 5.0


async def write(
    connection: Connection,
    operations: Sequence[Operation],
    new_id: Callable[[], UUID],
    *,
    all_new: bool = False,
) -> list[Answer]:
    """Write a batch, and return the answers in the order of the operations.

    No two operations may have the same caller, route and idempotency key. `all_new` leaves out step 1, as if
    the register had none of the keys and people. Raises ConcurrentWriteError if it has one of them. Without
    `all_new`, that happens only if another transaction wrote it meanwhile. Raises AmbiguousCommitError if the
    reply to COMMIT was lost, or if a fail-over may lose the commit. Errors of the database driver are raised
    unchanged. After every error except AmbiguousCommitError, nothing was written.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        answers = await _write(connection, operations, new_id, all_new=all_new)
    except BaseException:
        if not connection.is_closed():
            await transaction.rollback()
        raise
    failpoint("api.before_commit")
    try:
        with require_replication(connection):
            await transaction.commit()
    except Exception as error:
        raise AmbiguousCommitError(type(error).__name__) from error
    failpoint("api.after_commit")
    return answers


async def _write(
    connection: Connection,
    operations: Sequence[Operation],
    new_id: Callable[[], UUID],
    *,
    all_new: bool = False,
) -> list[Answer]:
    stored, known = ({}, []) if all_new else await _read_known(connection, operations)
    fresh = [operation for index, operation in enumerate(operations) if index not in stored]
    replays = {index: _replay(row, operations[index].body_hmac) for index, row in stored.items()}
    if not fresh:
        return [replays[index] for index in range(len(operations))]
    result = apply(fresh, KnownParticipants(known), new_id)
    answers = iter(result.answers(await _store(connection, fresh, known, result)))
    return [replays[index] if index in replays else next(answers) for index in range(len(operations))]


async def _read_known(
    connection: Connection, operations: Sequence[Operation]
) -> tuple[dict[int, Any], list[Participant]]:
    return await register_rows.read_known(
        connection,
        [operation.unique_key for operation in operations],
        uuids(ids_needed(operations)),
        byteas(niks_needed(operations)),
    )


async def _store(
    connection: Connection, fresh: Sequence[Operation], known: Sequence[Participant], result: BatchResult
) -> datetime:
    """Write the results of operations, and return the transaction's time. `known` are locked."""
    known_ids = {participant.id for participant in known}
    changed = [participant for participant in result.changed.values() if participant.id in known_ids]
    new = [participant for participant in result.changed.values() if participant.id not in known_ids]
    assert all(participant.revision == 1 for participant in new), (
        "nobody knows the ids of new participants yet"
    )
    if changed:
        await register_rows.keep_former(connection, (draft.event for draft in result.drafts))
        await register_rows.update(connection, changed)
    keys = sorted(zip(fresh, result.outcomes, strict=True), key=lambda answered: answered[0].unique_key)
    return await register_rows.write_rows(
        connection,
        register_rows.key_rows(
            [operation.unique_key for operation, _ in keys],
            [operation.body_hmac for operation, _ in keys],
            [outcome for _, outcome in keys],
        ),
        register_rows.participant_rows(new),
        register_rows.event_rows(result.drafts),
    )


def _replay(row: Any, body_hmac: bytes) -> Answer:
    if row["body_hmac"] != body_hmac:
        return Answer(OperationFault.KEY_REUSED, replayed=True)
    rest = (row["participant_id"], row["answer_region"], row["answer_revision"], row["created_at"])
    return Answer(outcome_of(row["outcome"]), *rest, replayed=True)


async def stored_answer(
    connection: Connection, unique_key: tuple[str, str, str], body_hmac: bytes
) -> Answer | None:
    """Return the stored answer of one idempotency key; None if the key is new."""
    stored, _ = await register_rows.read_known(connection, [unique_key])
    return _replay(stored[0], body_hmac) if stored else None


class IntakeTransaction:
    """Writes batches. Each batch takes a connection from the pool.

    Outside of busy events, most batches register new people only. Step 1 then finds nothing, but would cost
    a seventh of the throughput. So after a batch of new people, a batch of registrations is first written
    with `all_new`. If the register has one of its keys or people, the batch is repeated with all steps.
    """

    def __init__(self, pool: asyncpg.Pool[Any], new_id: Callable[[], UUID]) -> None:
        self._pool = pool
        self._new_id = new_id
        self._last_all_new = True

    async def write(self, operations: Sequence[Operation]) -> list[Answer]:
        """Write a batch with the function `write`. Raises the errors of that function.

        After an error the connection is closed, unless the error was a conflict with another transaction or
        a value that cannot be stored.
        """
        if self._last_all_new and not ids_needed(operations):
            try:
                return await self._write(operations, all_new=True)
            except ConcurrentWriteError:
                pass
        answers = await self._write(operations, all_new=False)
        self._last_all_new = all(_registered_newcomer(answer) for answer in answers)
        return answers

    async def _write(self, operations: Sequence[Operation], *, all_new: bool) -> list[Answer]:
        connection = await self._pool.acquire(timeout=ACQUIRE_S_MAX)
        usable = False
        try:
            answers = await write(connection, operations, self._new_id, all_new=all_new)
            usable = True
        except Exception as error:
            usable = failure_of(error) in (Failure.REPEAT, Failure.DATA)
            raise
        finally:
            await self._release(connection, usable)
        return answers

    async def _release(self, connection: asyncpg.pool.PoolConnectionProxy[Any], usable: bool) -> None:
        try:
            if not usable:
                connection.terminate()
            await self._pool.release(connection)
        except DATABASE_ERRORS as error:
            # The caller must get the result of the transaction, even if its connection cannot be released.
            log.warning("connection release failed", error=type(error).__name__)


def _registered_newcomer(answer: Answer) -> bool:
    return answer.outcome == DONE and answer.revision == 1 and not answer.replayed

"""The intake transaction: claims the idempotency keys, decides the commands, and writes the changes.

Failpoints: `api.before_commit`, `api.after_commit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from registration.domain.batch_decision import BatchResult, KnownParticipants, apply, ids_needed
from registration.domain.idempotent_operation import (
    DONE,
    Answer,
    Operation,
    OperationFault,
    OutcomeTuple,
    outcome_of,
)
from registration.domain.participant import Participant
from registration.store import register_rows
from registration.store.error_classification import (
    DATABASE_ERRORS,
    AmbiguousCommitError,
    Failure,
    RowVanishedError,
    failure_of,
)
from registration.store.register_rows import QUERIES, Columns, Connection
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()

ACQUIRE_S_MAX: Final = 5.0


@dataclass(frozen=True, slots=True)
class Transaction:
    """What all steps of a transaction need. `recorded_at` is the transaction's now() in the database."""

    connection: Connection
    new_id: Callable[[], UUID]
    recorded_at: datetime


async def write(
    connection: Connection, operations: Sequence[Operation], new_id: Callable[[], UUID]
) -> list[Answer]:
    """Write a batch, and return the answers in the order of the operations.

    No two operations may have the same caller, route and idempotency key. Raises AmbiguousCommitError if the
    reply to COMMIT was lost. Raises RowVanishedError if a row that the batch needs was deleted meanwhile.
    Errors of the database driver are raised unchanged. After every error except AmbiguousCommitError, nothing
    was written.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        answers = await _write(connection, operations, new_id)
    except BaseException:
        if not connection.is_closed():
            await transaction.rollback()
        raise
    failpoint("api.before_commit")
    try:
        await transaction.commit()
    except Exception as error:
        raise AmbiguousCommitError(type(error).__name__) from error
    failpoint("api.after_commit")
    return answers


async def _write(
    connection: Connection, operations: Sequence[Operation], new_id: Callable[[], UUID]
) -> list[Answer]:
    order = sorted(range(len(operations)), key=lambda index: operations[index].unique_key)
    ordered = [operations[index] for index in order]
    expected = _assume_all_new(operations, new_id)
    new = expected.newcomers()
    row = await register_rows.write_rows(
        connection,
        _claims(ordered),
        register_rows.participant_rows(new.values()),
        _event_rows_if_all_new(expected),
    )
    transaction = Transaction(connection, new_id, row["recorded_at"])
    if row["appended"]:
        return expected.answers(transaction.recorded_at)
    if row["claimed"] == len(operations):
        return await _apply(transaction, operations, new, row["inserted"])
    stored = [row async for row in QUERIES.stored_answers(connection, **_keys(ordered))]
    if len(stored) + row["claimed"] != len(operations):
        raise RowVanishedError("an existing idempotency key was deleted meanwhile")
    replays = {order[row["index"]]: _replay(row, ordered[row["index"]].body_hmac) for row in stored}
    fresh = [operation for index, operation in enumerate(operations) if index not in replays]
    new = _assume_all_new(fresh, new_id).newcomers()
    inserted = await register_rows.insert_new(connection, new.values()) if new else 0
    fresh_answers = iter(await _apply(transaction, fresh, new, inserted))
    return [replays[index] if index in replays else next(fresh_answers) for index in range(len(operations))]


def _assume_all_new(operations: Iterable[Operation], new_id: Callable[[], UUID]) -> BatchResult:
    """Apply the batch as if the register were empty, so that every registration has a new NIK."""
    return apply(operations, KnownParticipants(()), new_id)


def _event_rows_if_all_new(expected: BatchResult) -> Columns:
    """Return the events if the batch only registers newcomers, else no events.

    The events of any other batch are appended after its commands were decided on the locked participants.
    """
    return register_rows.event_rows(expected.drafts) if expected.all_new else register_rows.NO_EVENTS


def _claims(ordered: Sequence[Operation]) -> Columns:
    """Return the rows of the operations' idempotency keys, each with its likely answer.

    The operations must be sorted by (caller, route, idempotency key).
    """
    return register_rows.key_rows(
        [operation.unique_key for operation in ordered],
        [operation.body_hmac for operation in ordered],
        [operation.expected_answer() for operation in ordered],
    )


async def _apply(
    transaction: Transaction, fresh: Sequence[Operation], new: Mapping[bytes, Participant], inserted: int
) -> list[Answer]:
    """Decide the operations that have no stored answer, and write those changes that are not written yet.

    `new` has the possible newcomers by NIK fingerprint. `inserted` is how many of them are already in the
    register, inserted by this transaction; the NIKs of the others existed before.
    """
    connection = transaction.connection
    ids = ids_needed(fresh)
    known = []
    if ids or inserted < len(new):
        known = await register_rows.lock(connection, ids, new)
        if inserted + sum(participant.person.nik_hmac in new for participant in known) < len(new):
            raise RowVanishedError("a participant with an existing NIK was deleted meanwhile")
    result = apply(fresh, KnownParticipants(known), transaction.new_id)
    changed = [result.changed[participant.id] for participant in known if participant.id in result.changed]
    if changed:
        await register_rows.update(connection, changed)
    await _correct_answers(connection, fresh, result.outcomes)
    if result.drafts:
        await register_rows.append(connection, result.drafts)
    return result.answers(transaction.recorded_at)


def _replay(row: Any, body_hmac: bytes) -> Answer:
    if row["body_hmac"] != body_hmac:
        return Answer(OperationFault.KEY_REUSED, replayed=True)
    outcome = outcome_of(row["outcome"])
    rest = (row["participant_id"], row["region"], row["revision"], row["created_at"])
    return Answer(outcome, *rest, replayed=True)


async def claim_key(
    connection: Connection, caller: str, route: str, key: str, body_hmac: bytes
) -> Answer | None:
    """Claim an idempotency key, and store the answer `done`, for a request that changes no participant.

    Returns the stored answer if the key existed before; None if this transaction has claimed the key.
    """
    row = await register_rows.write_rows(
        connection,
        register_rows.key_rows([(caller, route, key)], [body_hmac], [(DONE, None, None, None)]),
    )
    if row["claimed"]:
        return None
    stored = [
        row async for row in QUERIES.stored_answers(connection, callers=[caller], routes=[route], keys=[key])
    ]
    if not stored:
        raise RowVanishedError("an existing idempotency key was deleted meanwhile")
    return _replay(stored[0], body_hmac)


async def _correct_answers(
    connection: Connection, fresh: Sequence[Operation], outcomes: Sequence[OutcomeTuple]
) -> None:
    """Replace each stored likely answer that differs from the actual outcome."""
    wrong = [
        (operation, outcome)
        for operation, outcome in zip(fresh, outcomes, strict=True)
        if outcome != operation.expected_answer()
    ]
    if wrong:
        operations, corrected = zip(*wrong, strict=True)
        words, ids, regions, revisions = (list(column) for column in zip(*corrected, strict=True))
        await QUERIES.update_answers(
            connection,
            **_keys(operations),
            outcomes=words,
            participant_ids=ids,
            regions=regions,
            revisions=revisions,
        )


def _keys(operations: Sequence[Operation]) -> dict[str, list[str]]:
    return {
        "callers": [operation.caller for operation in operations],
        "routes": [operation.route for operation in operations],
        "keys": [operation.key for operation in operations],
    }


class IntakeTransaction:
    """Writes batches. Each batch takes a connection from the pool."""

    def __init__(self, pool: asyncpg.Pool[Any], new_id: Callable[[], UUID]) -> None:
        self._pool = pool
        self._new_id = new_id

    async def write(self, operations: Sequence[Operation]) -> list[Answer]:
        """Write a batch with the function `write`. Raises the errors of that function.

        After an error the connection is closed, unless the error was a conflict with another transaction or
        a value that cannot be stored.
        """
        connection = await self._pool.acquire(timeout=ACQUIRE_S_MAX)
        usable = False
        try:
            answers = await write(connection, operations, self._new_id)
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

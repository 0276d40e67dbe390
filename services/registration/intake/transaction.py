"""One transaction of the intake: claims keys, decides, writes, and says what each caller is told.

Crash points: `api.before_commit`, `api.after_commit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from registration.domain.batch import BatchResult, KnownParticipants, apply, ids_needed
from registration.domain.operation import DONE, Answer, Operation, OperationFault, OutcomeTuple, outcome_of
from registration.domain.participant import Participant
from registration.store import participants
from registration.store.errors import (
    DATABASE_ERRORS,
    AmbiguousCommitError,
    Failure,
    RowVanishedError,
    failure_of,
)
from registration.store.participants import QUERIES, Columns, Connection
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()

ACQUIRE_S_MAX: Final = 5.0


@dataclass(frozen=True, slots=True)
class Transaction:
    """What the steps of one transaction share: `recorded_at` is the database's now() of it."""

    connection: Connection
    new_id: Callable[[], UUID]
    recorded_at: datetime


async def write(
    connection: Connection, operations: Sequence[Operation], new_id: Callable[[], UUID]
) -> list[Answer]:
    """Write a batch; answers come in its order. No two operations may have the same key.

    Raises AmbiguousCommitError if the reply to COMMIT was lost, RowVanishedError, or the driver's error.
    Unless the commit is ambiguous, nothing was written.
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
    order = sorted(range(len(operations)), key=lambda place: operations[place].place)
    ordered = [operations[place] for place in order]
    expected = _if_nobody_is_known(operations, new_id)
    new = expected.newcomers()
    row = await participants.write_rows(
        connection, _claims(ordered), participants.participant_rows(new.values()), _events_at_once(expected)
    )
    begun = Transaction(connection, new_id, row["recorded_at"])
    if row["appended"]:
        return expected.answers(begun.recorded_at)
    if row["claimed"] == len(operations):
        return await _apply(begun, operations, new, row["inserted"])
    given = [each async for each in QUERIES.answers_given(connection, **_keys(ordered))]
    if len(given) + row["claimed"] != len(operations):
        raise RowVanishedError("a key that was refused as taken")
    replays = {order[each["place"]]: _replay(each, ordered[each["place"]].body_hmac) for each in given}
    fresh = [operation for place, operation in enumerate(operations) if place not in replays]
    new = _if_nobody_is_known(fresh, new_id).newcomers()
    inserted = await participants.insert_new(connection, new.values()) if new else 0
    in_order = iter(await _apply(begun, fresh, new, inserted))
    return [replays[place] if place in replays else next(in_order) for place in range(len(operations))]


def _if_nobody_is_known(operations: Iterable[Operation], new_id: Callable[[], UUID]) -> BatchResult:
    """What follows where nobody of the batch is known: then everybody who registers is a newcomer."""
    return apply(operations, KnownParticipants(()), new_id)


def _events_at_once(expected: BatchResult) -> Columns:
    """The events of a batch in which everybody is expected to be new; what else happened is decided first."""
    return participants.event_rows(expected.drafts) if expected.all_new else participants.NO_EVENTS


def _claims(ordered: Sequence[Operation]) -> Columns:
    """The keys, which come sorted, each with the answer that is expected."""
    return participants.key_rows(
        [operation.place for operation in ordered],
        [operation.body_hmac for operation in ordered],
        [operation.expected_answer() for operation in ordered],
    )


async def _apply(
    begun: Transaction, fresh: Sequence[Operation], new: Mapping[bytes, Participant], inserted: int
) -> list[Answer]:
    """Decide what was not answered before, `inserted` of the newcomers being written, and write the rest."""
    connection = begun.connection
    ids = ids_needed(fresh)
    known = []
    if ids or inserted < len(new):
        known = await participants.lock(connection, ids, new)
        if inserted + sum(participant.person.nik_hmac in new for participant in known) < len(new):
            raise RowVanishedError("a participant whose NIK was refused as known")
    applied = apply(fresh, KnownParticipants(known), begun.new_id)
    changed = [applied.changed[each.id] for each in known if each.id in applied.changed]
    if changed:
        await participants.update(connection, changed)
    await _correct_answers(connection, fresh, applied.told)
    if applied.drafts:
        await participants.append(connection, applied.drafts)
    return applied.answers(begun.recorded_at)


def _replay(given: Any, body_hmac: bytes) -> Answer:
    if given["body_hmac"] != body_hmac:
        return Answer(OperationFault.KEY_REUSED, replayed=True)
    outcome = outcome_of(given["outcome"])
    standing = (given["participant_id"], given["region"], given["revision"], given["created_at"])
    return Answer(outcome, *standing, replayed=True)


async def claim_one(
    connection: Connection, caller: str, route: str, key: str, body_hmac: bytes
) -> Answer | None:
    """Claim one key for something that is no operation on a participant, with the answer `done`.

    The answer already given under it, or None where it is ours now.
    """
    place = (caller, route, key)
    row = await participants.write_rows(
        connection, participants.key_rows([place], [body_hmac], [(DONE, None, None, None)])
    )
    if row["claimed"]:
        return None
    given = [
        row async for row in QUERIES.answers_given(connection, callers=[caller], routes=[route], keys=[key])
    ]
    if not given:
        raise RowVanishedError("a key that was refused as taken")
    return _replay(given[0], body_hmac)


async def _correct_answers(
    connection: Connection, fresh: Sequence[Operation], told: Sequence[OutcomeTuple]
) -> None:
    """Write the answers that differ from those written with the keys."""
    wrong = [
        (operation, answer)
        for operation, answer in zip(fresh, told, strict=True)
        if answer != operation.expected_answer()
    ]
    if wrong:
        operations, corrected = zip(*wrong, strict=True)
        outcomes, ids, regions, revisions = (list(column) for column in zip(*corrected, strict=True))
        await QUERIES.change_answers(
            connection,
            **_keys(operations),
            outcomes=outcomes,
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
    """Writes batches over connections of a pool."""

    def __init__(self, pool: asyncpg.Pool[Any], new_id: Callable[[], UUID]) -> None:
        self._pool = pool
        self._new_id = new_id

    async def write(self, operations: Sequence[Operation]) -> list[Answer]:
        """As the function `write`; an error that says nothing of the data costs the connection."""
        connection = await self._pool.acquire(timeout=ACQUIRE_S_MAX)
        sound = False
        try:
            answers = await write(connection, operations, self._new_id)
            sound = True
        except Exception as error:
            sound = failure_of(error) in (Failure.REPEAT, Failure.DATA)
            raise
        finally:
            await self._give_back(connection, sound)
        return answers

    async def _give_back(self, connection: asyncpg.pool.PoolConnectionProxy[Any], sound: bool) -> None:
        try:
            if not sound:
                connection.terminate()
            await self._pool.release(connection)
        except DATABASE_ERRORS as error:
            # What the transaction said must be heard, not what became of its connection afterwards.
            log.warning("connection lost", error=type(error).__name__)

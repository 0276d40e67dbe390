"""Reads and writes participants, and appends events with gapless sequences.

Every writer (intake, import, commands) calls these functions in its own transaction: first `read_known` or
`lock`, then `keep_former` and `update`, and last `write_rows`. So all writers take locks in the same order:
known participants by id, idempotency keys, new participants by NIK, and last the partitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg

from database.sql_files import load_queries
from registration.domain.cloud_event import SEQUENCE_PLACEHOLDER, TIME_PLACEHOLDER, EventDraft, event_text
from registration.domain.commands import RegisterCommand
from registration.domain.decision import Event
from registration.domain.participant import Participant, Person, Standing, Status
from registration.store.array_literals import EMPTY, byteas, event_columns, integers, texts, uuids
from registration.store.error_classification import ConcurrentWriteError
from registration.store.participant_columns import (
    CHANGED_COLUMNS,
    COLUMNS,
    NEW_COLUMNS,
    encode,
    sql_fragments,
)

QUERIES: Final = load_queries("registration.store", sql_fragments(COLUMNS))

Columns = Mapping[str, int | str]
"""Rows as arguments of `write_rows`: one array literal per column, and for some tables the number of rows."""

NO_KEYS: Final[Columns] = {
    "key_count": 0,
    **dict.fromkeys(("callers", "routes", "keys", "body_hmacs", "outcomes"), EMPTY),
    **dict.fromkeys(("answer_participant_ids", "answer_regions", "answer_revisions"), EMPTY),
}
NO_PARTICIPANTS: Final[Columns] = {"participant_count": 0, **encode(NEW_COLUMNS, ())}
NO_EVENTS: Final[Columns] = event_columns((), ids=EMPTY, participants=EMPTY, types=(), event_texts=())

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]
else:  # the driver's classes are generic only in its type stubs
    Connection = asyncpg.Connection


async def read_known(
    connection: Connection,
    unique_keys: Sequence[tuple[str, str, str]],
    ids: str = EMPTY,
    nik_hmacs: str = EMPTY,
) -> tuple[dict[int, Any], list[Participant]]:
    """Return the stored answers of idempotency keys, and lock and return known participants.

    Each of the `unique_keys` is (caller, route, idempotency key). The answers are rows of the table
    `idempotency` by the index of their key. The participants are those with these ids or NIK fingerprints.
    `ids` and `nik_hmacs` are array literals.
    """
    callers, routes, keys = zip(*unique_keys, strict=True) if unique_keys else ((), (), ())
    found = QUERIES.read_known(
        connection,
        callers=texts(callers),
        routes=texts(routes),
        keys=texts(keys),
        ids=ids,
        nik_hmacs=nik_hmacs,
    )
    rows = [row async for row in found]
    answers = {row["key_index"]: row for row in rows if row["key_index"] is not None}
    return answers, [participant_of(row) for row in rows if row["key_index"] is None]


async def lock(connection: Connection, ids: str = EMPTY, nik_hmacs: str = EMPTY) -> list[Participant]:
    """Lock and return the participants with these ids or NIK fingerprints; both are array literals."""
    _, participants = await read_known(connection, (), ids, nik_hmacs)
    return participants


async def write_rows(
    connection: Connection,
    keys: Columns = NO_KEYS,
    participants: Columns = NO_PARTICIPANTS,
    events: Columns = NO_EVENTS,
) -> datetime:
    """Write new rows, and return the transaction's time. This must be the last statement before the commit.

    The steps are: claim the idempotency keys, insert the participants, append the events with the next
    sequences. The partitions stay locked until the commit, so sequences follow the order of commits and have
    no gaps. At most one participant per NIK may be given. Raises ConcurrentWriteError if another transaction
    has written one of the keys or NIKs.
    """
    row = await QUERIES.write_rows(
        connection,
        **keys,
        **participants,
        **events,
        time_placeholder=TIME_PLACEHOLDER,
        sequence_placeholder=SEQUENCE_PLACEHOLDER,
    )
    if not row["complete"]:
        raise ConcurrentWriteError
    recorded_at: datetime = row["recorded_at"]
    return recorded_at


def key_rows(
    unique_keys: Iterable[tuple[str, str, str]],
    body_hmacs: Iterable[bytes],
    answers: Iterable[tuple[str, UUID | None, str | None, int | None]],
) -> Columns:
    """Return the columns of idempotency keys. `unique_keys` must be sorted.

    Each of the `unique_keys` is (caller, route, idempotency key). `body_hmacs` and `answers` have, for each
    of them, the fingerprint of the request and its answer.
    """
    callers, routes, keys = zip(*unique_keys, strict=True)
    outcomes, ids, regions, revisions = zip(*answers, strict=True)
    return {
        "key_count": len(keys),
        "callers": texts(callers),
        "routes": texts(routes),
        "keys": texts(keys),
        "body_hmacs": byteas(body_hmacs),
        "outcomes": texts(outcomes),
        "answer_participant_ids": uuids(ids),
        "answer_regions": texts(regions),
        "answer_revisions": integers(revisions),
    }


def participant_rows(participants: Iterable[Participant | RegisterCommand]) -> dict[str, int | str]:
    """Return the columns of new participants, sorted by NIK fingerprint, in which order they are locked.

    A new participant has revision 1. It may be given as the command that registers it.
    """
    rows = sorted(participants, key=lambda participant: participant.person.nik_hmac or b"")
    return {"participant_count": len(rows), **encode(NEW_COLUMNS, rows)}


def event_rows(drafts: Sequence[EventDraft]) -> Columns:
    """Return the columns of new events. Within each partition, sequences follow the order of `drafts`."""
    return event_columns(
        [draft.partition for draft in drafts],
        ids=uuids([draft.id for draft in drafts]),
        participants=uuids([draft.event.after.id for draft in drafts]),
        types=[draft.event.type.value for draft in drafts],
        event_texts=[event_text(draft) for draft in drafts],
    )


async def keep_former(connection: Connection, events: Iterable[Event]) -> None:
    """Store what the register had of the participants that register again by these events.

    This transaction has locked them. Call `update` afterwards.
    """
    former = [event.former for event in events if event.former is not None]
    if former:
        await QUERIES.keep_former(connection, **encode(COLUMNS, former))


async def update(connection: Connection, participants: Sequence[Participant]) -> None:
    """Update participants that this transaction has locked."""
    await QUERIES.update_participants(connection, **encode(CHANGED_COLUMNS, participants))


def participant_of(row: Any) -> Participant:
    """Convert a row of the columns `participant_columns`."""
    return Participant(
        id=UUID(int=row["id"].int),
        status=Status(row["standing"]),
        standing=Standing(row["region"], row["agency"], row["campaign"], tuple(row["steps"]), row["stock"]),
        revision=row["revision"],
        person=Person(*[row[field] for field in Person.__struct_fields__]),
        merged_into=row["merged_into"],
    )

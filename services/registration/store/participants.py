"""How the register's rows are read and written: participants, and events at gapless sequences.

Every writer (intake, import, commands) uses these, inside its own transaction. Locks are taken in one order:
idempotency keys, new participants by NIK, participants by id (`lock`), and partitions (`append`) last of all;
`write_rows` takes those of what is new in one statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg

from database.queries import load_queries
from registration.domain.event import SEQUENCE_PLACE, TIME_PLACE, EventDraft, event_text
from registration.domain.participant import Participant, Person, Standing, Status
from registration.store import array_literals, event_columns, participant_columns

QUERIES: Final = load_queries("registration.store")

Columns = Mapping[str, int | str]
"""Rows as arguments of their statement: how many, and each column as an array literal."""

NO_KEYS: Final[Columns] = {
    "key_count": 0,
    **dict.fromkeys(("callers", "routes", "keys", "body_hmacs", "outcomes"), array_literals.EMPTY),
    **dict.fromkeys(("told_ids", "told_regions", "told_revisions"), array_literals.EMPTY),
}
NO_PARTICIPANTS: Final[Columns] = {
    "participant_count": 0,
    **dict.fromkeys(("ids", "nik_hmacs"), array_literals.EMPTY),
    **participant_columns.columns((), ()),
}
NO_EVENTS: Final[Columns] = event_columns.columns(
    (), ids=array_literals.EMPTY, participants=array_literals.EMPTY, types=(), texts=()
)

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]
else:  # the driver's classes are generic in its stubs alone
    Connection = asyncpg.Connection


async def write_rows(
    connection: Connection,
    keys: Columns = NO_KEYS,
    participants: Columns = NO_PARTICIPANTS,
    events: Columns = NO_EVENTS,
) -> Any:
    """Write keys, where all were free participants, and where all were new events.

    A row: `claimed`, `inserted` and `appended` are how many, `recorded_at` the transaction's time. At most
    one participant per NIK may be given. Where events were appended, all that was given is written.
    """
    return await QUERIES.write_rows(
        connection, **keys, **participants, **events, time_place=TIME_PLACE, sequence_place=SEQUENCE_PLACE
    )


async def insert_new(connection: Connection, participants: Iterable[Participant]) -> int:
    """Insert participants whose NIK is new; the others are left out. Returns how many were inserted.

    At most one per NIK may be given.
    """
    row = await write_rows(connection, participants=participant_rows(participants))
    return int(row["inserted"])


def key_rows(
    places: Iterable[tuple[str, str, str]],
    body_hmacs: Iterable[bytes],
    told: Iterable[tuple[str, UUID | None, str | None, int | None]],
) -> Columns:
    """Keys (caller, route, key), sorted, with what is told under each."""
    callers, routes, keys = zip(*places, strict=True)
    outcomes, ids, regions, revisions = zip(*told, strict=True)
    return {
        "key_count": len(keys),
        "callers": array_literals.texts(callers),
        "routes": array_literals.texts(routes),
        "keys": array_literals.texts(keys),
        "body_hmacs": array_literals.binaries(body_hmacs),
        "outcomes": array_literals.texts(outcomes),
        "told_ids": array_literals.ids(ids),
        "told_regions": array_literals.texts(regions),
        "told_revisions": array_literals.numbers(revisions),
    }


def participant_rows(participants: Iterable[Participant]) -> Columns:
    """Participants to be inserted as columns, in the order in which their NIKs are locked."""
    rows = sorted(participants, key=lambda participant: participant.person.nik_hmac or b"")
    people = [row.person for row in rows]
    return {
        "participant_count": len(rows),
        "ids": array_literals.ids([row.id for row in rows]),
        "nik_hmacs": array_literals.binaries([person.nik_hmac for person in people]),
        **participant_columns.columns(people, [row.standing for row in rows]),
    }


def event_rows(drafts: Sequence[EventDraft]) -> Columns:
    """Events to be appended, in this order within each partition."""
    return event_columns.columns(
        [draft.partition for draft in drafts],
        ids=array_literals.ids([draft.id for draft in drafts]),
        participants=array_literals.ids([draft.happened.after.id for draft in drafts]),
        types=[draft.happened.type.value for draft in drafts],
        texts=[event_text(draft) for draft in drafts],
    )


async def lock(
    connection: Connection, ids: Iterable[UUID], nik_hmacs: Iterable[bytes] = ()
) -> list[Participant]:
    """Lock and read participants by id, and those that had one of these NIKs before this transaction."""
    rows = QUERIES.lock_participants(connection, ids=list(ids), nik_hmacs=list(nik_hmacs))
    return [participant_of(row) async for row in rows]


async def update(connection: Connection, participants: Sequence[Participant]) -> None:
    """Write participants that this transaction has locked."""
    await QUERIES.update_participants(
        connection,
        ids=array_literals.ids([row.id for row in participants]),
        standings=array_literals.texts([row.status.value for row in participants]),
        revisions=array_literals.numbers([row.revision for row in participants]),
        merged_intos=array_literals.texts(
            [str(row.merged_into) if row.merged_into else None for row in participants]
        ),
        **participant_columns.columns(
            [row.person for row in participants], [row.standing for row in participants]
        ),
    )


async def append(connection: Connection, drafts: Sequence[EventDraft]) -> None:
    """Give events their sequences and write them; the last thing before the commit.

    The partitions stay locked until then, so the order of sequences is the order of commits, without a hole.
    """
    await write_rows(connection, events=event_rows(drafts))


def participant_of(row: Any) -> Participant:
    """A row of `participant` (its column `business` as text) as the rules see it."""
    return Participant(
        id=UUID(int=row["id"].int),
        status=Status(row["standing"]),
        standing=Standing(row["region"], row["agency"], row["campaign"], tuple(row["steps"])),
        revision=row["revision"],
        person=Person(
            nik_hmac=row["nik_hmac"],
            nik_cipher=row["nik_cipher"],
            phone_cipher=row["phone_cipher"],
            cipher_key_id=row["cipher_key_id"],
            name=row["name"],
            business=row["business"],
            consent=row["consent"],
            channel=row["channel"],
            booth=row["booth"],
            occurred_at=row["occurred_at"],
            import_id=row["import_id"],
        ),
        merged_into=row["merged_into"],
    )

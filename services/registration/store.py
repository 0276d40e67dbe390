"""How the register's rows are read and written: participants, and events at gapless sequences.

Every writer (intake, import, commands) uses these, inside its own transaction and in this order, which is the
order of locks: idempotency keys, `insert_new`, `lock`, `update`, and `append` last of all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg

from database.queries import load_queries
from registration.events import Draft, Written, written
from registration.participant import Participant, Person, Standing, Status

QUERIES: Final = load_queries("registration")

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]
else:  # the driver's classes are generic in its stubs alone
    Connection = asyncpg.Connection


async def insert_new(connection: Connection, participants: Iterable[Participant]) -> int:
    """Insert participants whose NIK is new; the others are left out. Returns how many were inserted.

    At most one per NIK may be given.
    """
    rows = sorted(participants, key=lambda participant: participant.person.nik_hmac or b"")
    people = [row.person for row in rows]
    inserted: int = await QUERIES.insert_participants(
        connection,
        ids=[row.id for row in rows],
        nik_hmacs=[person.nik_hmac for person in people],
        **_columns(rows),
    )
    return inserted


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
        ids=[row.id for row in participants],
        standings=[row.status.value for row in participants],
        revisions=[row.revision for row in participants],
        merged_intos=[row.merged_into for row in participants],
        **_columns(participants),
    )


async def append(connection: Connection, drafts: Sequence[Draft], time: datetime) -> list[Written]:
    """Give events their sequences and write them; the last thing before the commit.

    The partitions stay locked until then, so the order of sequences is the order of commits, without a hole.
    """
    counts = Counter(draft.partition for draft in drafts)
    partitions = sorted(counts)
    locked = QUERIES.lock_partitions(connection, partitions=partitions)
    last: dict[int, int] = {row["partition"]: row["last_sequence"] async for row in locked}
    assert len(last) == len(partitions), "every partition has its row from the first migration on"
    events = []
    for draft in drafts:
        last[draft.partition] += 1
        events.append(written(draft, last[draft.partition], time))
    await QUERIES.append_events(
        connection,
        raised_partitions=partitions,
        last_sequences=[last[partition] for partition in partitions],
        partitions=[event.partition for event in events],
        sequences=[event.sequence for event in events],
        ids=[event.id for event in events],
        participant_ids=[event.participant_id for event in events],
        types=[event.type for event in events],
        event_values=[event.value for event in events],
    )
    return events


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


def _columns(rows: Sequence[Participant]) -> dict[str, list[Any]]:
    people = [row.person for row in rows]
    standings = [row.standing for row in rows]
    return {
        "nik_ciphers": [person.nik_cipher for person in people],
        "phone_ciphers": [person.phone_cipher for person in people],
        "cipher_key_ids": [person.cipher_key_id for person in people],
        "names": [person.name for person in people],
        "businesses": [person.business for person in people],
        "consents": [person.consent for person in people],
        "channels": [person.channel for person in people],
        "booths": [person.booth for person in people],
        "occurred_ats": [person.occurred_at for person in people],
        "import_ids": [person.import_id for person in people],
        "regions": [standing.region for standing in standings],
        "agencies": [standing.agency for standing in standings],
        "campaigns": [standing.campaign for standing in standings],
        "steps": [",".join(standing.steps) for standing in standings],
    }

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
from registration import literals
from registration.events import Draft, around_sequence, utc_text
from registration.participant import Participant, Person, Standing, Status
from registration.participant_columns import columns

QUERIES: Final = load_queries("registration")

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]
else:  # the driver's classes are generic in its stubs alone
    Connection = asyncpg.Connection


async def insert_new(connection: Connection, participants: Iterable[Participant]) -> int:
    """Insert participants whose NIK is new; the others are left out. Returns how many were inserted.

    At most one per NIK may be given.
    """
    inserted: int = await QUERIES.insert_participants(connection, **new_columns(participants))
    return inserted


def new_columns(participants: Iterable[Participant]) -> dict[str, str]:
    """Participants to be inserted as columns, in the order in which their NIKs are locked."""
    rows = sorted(participants, key=lambda participant: participant.person.nik_hmac or b"")
    people = [row.person for row in rows]
    return {
        "ids": literals.ids([row.id for row in rows]),
        "nik_hmacs": literals.binaries([person.nik_hmac for person in people]),
        **columns(people, [row.standing for row in rows]),
    }


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
        ids=literals.ids([row.id for row in participants]),
        standings=literals.texts([row.status.value for row in participants]),
        revisions=literals.numbers([row.revision for row in participants]),
        merged_intos=literals.texts(
            [str(row.merged_into) if row.merged_into else None for row in participants]
        ),
        **columns([row.person for row in participants], [row.standing for row in participants]),
    )


async def append(connection: Connection, drafts: Sequence[Draft], time: datetime) -> None:
    """Give events their sequences and write them; the last thing before the commit.

    The partitions stay locked until then, so the order of sequences is the order of commits, without a hole.
    """
    counts: Counter[int] = Counter()
    partitions = [draft.partition for draft in drafts]
    places = []
    for partition in partitions:
        counts[partition] += 1
        places.append(counts[partition])
    time_text = utc_text(time)
    texts = [around_sequence(draft, time_text) for draft in drafts]
    raised = sorted(counts)
    await QUERIES.append_events(
        connection,
        raised_partitions=literals.numbers(raised),
        raised_by=literals.numbers([counts[partition] for partition in raised]),
        partitions=literals.numbers(partitions),
        places=literals.numbers(places),
        ids=literals.ids([draft.id for draft in drafts]),
        participant_ids=literals.ids([draft.happened.after.id for draft in drafts]),
        types=literals.texts([draft.happened.type.value for draft in drafts]),
        heads="\n".join([head for head, _ in texts]),
        tails="\n".join([tail for _, tail in texts]),
    )


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

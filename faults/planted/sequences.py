"""`id > last` over a plain sequence: numbers that no transaction holds, and a relay that minds no hole."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from database.pool import connect
from outbox.source import Record
from registration.domain.batch import BatchResult
from registration.domain.event import EventDraft, number_event
from registration.settings import RegisterSettings
from registration.store.participants import NO_EVENTS, Columns, Connection
from settings.loader import load

COMMIT_LATER_S_MAX: Final = 0.05
"""Another writer may commit higher numbers meanwhile, and this one may die with its own."""
TAKE: Final = """
update partition set last_sequence = last_sequence + $2 where partition = $1 returning last_sequence - $2
"""
WRITE: Final = """
insert into event (partition, sequence, id, participant_id, type, value, recorded_at)
values ($1, $2, $3, $4, $5, $6, now())
"""

_opening: asyncio.Task[asyncpg.Pool[Any]] | None = None


async def append_by_a_plain_sequence(connection: Connection, drafts: Sequence[EventDraft]) -> None:
    """`store.append`, but the numbers are taken outside the transaction, as from a `bigserial`."""
    time = await connection.fetchval("select now()")
    last = await _taken(Counter(draft.partition for draft in drafts))
    events = []
    for draft in drafts:
        last[draft.partition] += 1
        events.append(number_event(draft, last[draft.partition], time))
    rows = [
        (event.partition, event.sequence, event.id, event.participant_id, event.type, event.value)
        for event in events
    ]
    await connection.executemany(WRITE, rows)
    await asyncio.sleep(random.uniform(0, COMMIT_LATER_S_MAX))


def none_at_once(_: BatchResult) -> Columns:
    """No event is written with its participant: all are appended."""
    return NO_EVENTS


async def _taken(counts: Counter[int]) -> dict[int, int]:
    global _opening
    if _opening is None or (_opening.done() and (_opening.cancelled() or _opening.exception())):
        url = load(RegisterSettings).database
        _opening = asyncio.ensure_future(connect(url, application_name="planted sequence", max_size=1))
    pool = await _opening
    return {
        partition: await pool.fetchval(TAKE, partition, counts[partition]) for partition in sorted(counts)
    }


def fill_with_whatever_lies_above(
    batch: Any, records: Sequence[Record], published: int, headers: Sequence[tuple[str, bytes]]
) -> int:
    """`_fill` of `outbox.publisher`, but the next is whatever has the next higher number."""
    last = published
    for sequence, key, value in records:
        if batch.append(timestamp=None, key=key, value=value, headers=list(headers)) is None:
            break
        last = sequence
    batch.close()
    return last

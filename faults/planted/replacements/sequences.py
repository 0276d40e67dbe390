"""A planted bug of the outbox: sequences are assigned outside the transaction, and the relay skips holes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import asyncpg

from database.pool import connect
from outbox.source import Record
from registration.domain.batch_decision import BatchResult
from registration.domain.cloud_event import EventDraft, number_event
from registration.domain.idempotent_operation import Operation
from registration.domain.participant import Participant
from registration.intake import transaction
from registration.settings import RegisterSettings
from registration.store.register_rows import Connection
from settings.loader import load

COMMIT_DELAY_S_MAX: Final = 0.05
"""In this time another writer may commit higher sequences, or this process may die and leave a hole."""
TAKE: Final = """
update partition set last_sequence = last_sequence + $2 where partition = $1 returning last_sequence - $2
"""
WRITE: Final = """
insert into event (partition, sequence, id, participant_id, type, value, recorded_at)
values ($1, $2, $3, $4, $5, $6, now())
"""

_store = transaction._store
_pool_task: asyncio.Task[asyncpg.Pool[Any]] | None = None


async def store_by_a_plain_sequence(
    connection: Connection, fresh: Sequence[Operation], known: Sequence[Participant], result: BatchResult
) -> datetime:
    """Like `transaction._store`, but takes the sequences outside the transaction, as a `bigserial` does."""
    time = await _store(connection, fresh, known, replace(result, drafts=[]))
    await _append(connection, result.drafts, time)
    return time


async def _append(connection: Connection, drafts: Sequence[EventDraft], time: datetime) -> None:
    last = await _reserve(Counter(draft.partition for draft in drafts))
    events = []
    for draft in drafts:
        last[draft.partition] += 1
        events.append(number_event(draft, last[draft.partition], time))
    rows = [
        (event.partition, event.sequence, event.id, event.participant_id, event.type, event.value)
        for event in events
    ]
    await connection.executemany(WRITE, rows)
    await asyncio.sleep(random.uniform(0, COMMIT_DELAY_S_MAX))


async def _reserve(counts: Counter[int]) -> dict[int, int]:
    global _pool_task
    if _pool_task is None or (_pool_task.done() and (_pool_task.cancelled() or _pool_task.exception())):
        database = load(RegisterSettings).database
        _pool_task = asyncio.ensure_future(connect(database, application_name="planted sequence", max_size=1))
    pool = await _pool_task
    return {
        partition: await pool.fetchval(TAKE, partition, counts[partition]) for partition in sorted(counts)
    }


def fill_above_the_last(
    batch: Any, records: Sequence[Record], published: int, headers: Sequence[tuple[str, bytes]]
) -> int:
    """Like `outbox.publisher._fill`, but takes the next record even if sequences before it are missing."""
    last = published
    for sequence, key, value in records:
        if batch.append(timestamp=None, key=key, value=value, headers=list(headers)) is None:
            break
        last = sequence
    batch.close()
    return last

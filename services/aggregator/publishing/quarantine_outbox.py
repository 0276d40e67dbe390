"""Puts what was quarantined, applied or skipped into the quarantine topic's outbox; never a payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from aggregator.domain.cut import time_text
from aggregator.tallies.postgres_tally_store import QUERIES
from outbox.table_source import append

if TYPE_CHECKING:
    import asyncpg

QUARANTINE_TOPIC: Final = "participant-events-quarantine"
ROWS_MAX: Final = 500


async def append_states(pool: asyncpg.Pool[Any]) -> int:
    """Append the states not told yet; how many. One transaction: each state is told once, in order."""
    async with pool.acquire() as connection, connection.transaction():
        rows = [row async for row in QUERIES.untold(connection, rows_max=ROWS_MAX)]
        await append(connection, QUARANTINE_TOPIC, [(_key(row), _value(row)) for row in rows])
        return len(rows)


def _key(row: Any) -> str:
    return f"{row['partition']}.{row['kafka_offset']}"


def _value(row: Any) -> str:
    value = {
        "partition": row["partition"],
        "event_sequence": row["event_sequence"],
        "offset": row["kafka_offset"],
        "reason": row["reason"],
        "state": row["state"],
        "at": time_text(row["at"]),
    }
    # The outbox puts the record's own number in the place of {sequence}.
    return '{"sequence":{sequence},' + msgspec.json.encode(value).decode()[1:]

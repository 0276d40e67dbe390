"""Publishes quarantine states (quarantined, applied, skipped) through an outbox, without event content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from aggregator.domain.cut_record import utc_text
from aggregator.publishing.queries import QUERIES
from outbox.outbox_table import append
from outbox.publisher import Publisher, PublishLimits, Source, TopicChannel

if TYPE_CHECKING:
    import asyncpg

QUARANTINE_TOPIC: Final = "participant-events-quarantine"
ROWS_MAX: Final = 500


class QuarantineOutbox(Publisher):
    """Appends new quarantine states to the outbox, and publishes the outbox."""

    def __init__(self, pool: asyncpg.Pool[Any], source: Source, channel: TopicChannel) -> None:
        super().__init__(source, channel, limits=PublishLimits(idle_s=1.0))
        self._pool = pool

    async def lead_once(self, term: int) -> float:
        """Append and publish the new states."""
        await append_new_states(self._pool)
        return await super().lead_once(term)


async def append_new_states(pool: asyncpg.Pool[Any]) -> int:
    """Append the states that are not in the outbox yet, oldest first; return their number.

    The same transaction marks these states as appended, so each is appended only once.
    """
    async with pool.acquire() as connection, connection.transaction():
        rows = [row async for row in QUERIES.mark_unpublished_states(connection, rows_max=ROWS_MAX)]
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
        "at": utc_text(row["at"]),
    }
    # The outbox replaces {sequence} by the sequence that it gives to this record.
    return '{"sequence":{sequence},' + msgspec.json.encode(value).decode()[1:]

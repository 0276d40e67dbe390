"""Publishes the kept minutes to region-minutes, and deletes each minute after 48 hours.

After a crash a record may be sent twice. It has the minute's whole growth, so its repeat changes nothing.
Failpoints: `publisher.before_minutes`, `publisher.after_minutes`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from aggregator.domain.minute_record import minute_text
from aggregator.metrics import MINUTES
from aggregator.publishing.queries import QUERIES
from kafka.leader_producer import LeaderProducer, LeaderRecord
from telemetry.failpoints import failpoint
from telemetry.logs import get

if TYPE_CHECKING:
    import asyncpg

log = get()

TOPIC: Final = "region-minutes"
MINUTES_MAX: Final = 500
"""The most records per call. Cuts are published between calls, so that a backlog does not delay them."""


class MinutePublisher:
    """Publishes the minutes of a leader."""

    def __init__(self, pool: asyncpg.Pool[Any], producer: LeaderProducer) -> None:
        self._pool = pool
        self._producer = producer

    async def take_over(self) -> None:
        """Make all kept minutes due again if the topic was made again since the last minute was published."""
        await self._compare_end(await self._producer.end_offset(TOPIC))

    async def publish_once(self, term: int) -> int:
        """Publish at most MINUTES_MAX kept minutes that are not published; return how many."""
        rows = [row async for row in QUERIES.unpublished_minutes(self._pool, minutes_max=MINUTES_MAX)]
        if not rows:
            return 0
        failpoint("publisher.before_minutes")
        records = [LeaderRecord(_key(row["minute"], row["scope"]), row["value"].encode()) for row in rows]
        offset = await self._producer.send(TOPIC, records, term)
        failpoint("publisher.after_minutes")
        MINUTES.inc(len(records))
        await self._compare_end(offset)
        await QUERIES.mark_published(
            self._pool,
            minutes=[row["minute"] for row in rows],
            scopes=[row["scope"] for row in rows],
            topic_end=offset + len(records),
        )
        return len(records)

    async def delete_expired(self, term: int) -> int:
        """Delete minutes older than 48 hours by PostgreSQL's clock, from the topic, then from the table."""
        rows = [row async for row in QUERIES.expired_minutes(self._pool, minutes_max=MINUTES_MAX)]
        if rows:
            records = [LeaderRecord(_key(row["minute"], row["scope"]), None) for row in rows]
            await self._producer.send(TOPIC, records, term)
            await QUERIES.delete_minutes(
                self._pool, minutes=[row["minute"] for row in rows], scopes=[row["scope"] for row in rows]
            )
        return len(rows)

    async def _compare_end(self, topic_end: int) -> None:
        again = await QUERIES.publish_minutes_again(self._pool, topic_end=topic_end)
        if again:
            log.warning("minutes are published again", topic=TOPIC, topic_end=topic_end, minutes=again)


def _key(minute: datetime, scope: str) -> bytes:
    return f"{scope}|{minute_text(minute.astimezone(UTC))}".encode()

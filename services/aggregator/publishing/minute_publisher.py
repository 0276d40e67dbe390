"""Publishes the growth per minute to region-minutes, and deletes each minute after 48 hours.

After a crash a record may be sent twice. It has the minute's whole growth, so its repeat changes nothing.
Failpoints: `publisher.before_minutes`, `publisher.after_minutes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from aggregator.domain.cut_record import CutHead
from aggregator.metrics import MINUTES
from aggregator.publishing.cut_snapshot import MinuteKey, open_snapshot, read_published_state
from aggregator.publishing.queries import QUERIES
from kafka.leader_producer import LeaderProducer, LeaderRecord, SupersededError
from telemetry.failpoints import failpoint

if TYPE_CHECKING:
    import asyncpg

TOPIC: Final = "region-minutes"
KEPT: Final = timedelta(hours=48)
KEYS_MAX: Final = 500
"""The most minutes per call. Cuts are published between calls, so a backlog of minutes does not delay
cuts."""


class MinutePublisher:
    """Publishes the minutes of a leader."""

    def __init__(self, pool: asyncpg.Pool[Any], producer: LeaderProducer) -> None:
        self._pool = pool
        self._producer = producer
        self._waiting: list[MinuteKey] = []
        self._head: CutHead | None = None
        """The head whose positions are stored once all waiting minutes are published."""

    def start_again(self) -> None:
        """Forget the waiting minutes. The stored positions show which minutes are due."""
        self._waiting, self._head = [], None

    async def publish_once(self, term: int) -> int:
        """Publish at most KEYS_MAX changed minutes; return the number of published records.

        Raises SupersededError if the lease was lost.
        """
        published = await read_published_state(self._pool)
        async with open_snapshot(self._pool) as snapshot:
            head, _ = await snapshot.head()
            if self._head is None:
                self._waiting = await snapshot.changed_minutes(published, head)
                self._head = head
            elif (self._head.set_id, self._head.generation) != (head.set_id, head.generation):
                self.start_again()
                return 0
            keys, self._waiting = self._waiting[:KEYS_MAX], self._waiting[KEYS_MAX:]
            growth = await snapshot.minute_growth(head.set_id, keys) if keys else {}
        if growth:
            await self._send(growth, term)
        if not self._waiting:
            completed, self._head = self._head, None
            if _progress(completed) != (
                published.minutes_set_id,
                published.minutes_generation,
                published.minutes_positions,
            ):
                await self._store_progress(completed, term)
        return len(growth)

    async def delete_expired(self, now: datetime, term: int) -> int:
        """Delete minutes older than 48 hours, first from the topic, then from the table; return how many."""
        rows = QUERIES.expired_minutes(self._pool, oldest=now - KEPT, keys_max=KEYS_MAX)
        keys: list[MinuteKey] = [(row["minute"], row["scope"]) async for row in rows]
        if keys:
            await self._producer.send(TOPIC, [LeaderRecord(_key(key), None) for key in keys], term)
            await QUERIES.delete_minutes(
                self._pool, minutes=[minute for minute, _ in keys], scopes=[scope for _, scope in keys]
            )
        return len(keys)

    async def _send(self, growth: Mapping[MinuteKey, Sequence[tuple[str, int]]], term: int) -> None:
        failpoint("publisher.before_minutes")
        records = [LeaderRecord(_key(key), _value(key, term, rows)) for key, rows in growth.items()]
        await self._producer.send(TOPIC, records, term)
        failpoint("publisher.after_minutes")
        MINUTES.inc(len(records))

    async def _store_progress(self, head: CutHead, term: int) -> None:
        stored = await QUERIES.store_published_minutes(
            self._pool,
            lease=self._producer.name,
            term=term,
            set_id=head.set_id,
            generation=head.generation,
            positions=list(head.positions),
        )
        if not stored:
            raise SupersededError(f"term {term} no longer leads")


def _progress(head: CutHead) -> tuple[int, int, tuple[int, ...]]:
    return (head.set_id, head.generation, head.positions)


def _key(key: MinuteKey) -> bytes:
    minute, scope = key
    return f"{scope}|{_minute_text(minute)}".encode()


def _value(key: MinuteKey, term: int, rows: Sequence[tuple[str, int]]) -> bytes:
    minute, scope = key
    return msgspec.json.encode({"scope": scope, "minute": _minute_text(minute), "term": term, "rows": rows})


def _minute_text(minute: datetime) -> str:
    return minute.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

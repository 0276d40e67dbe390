"""Publishes the growth per minute to region-minutes, once a second, and forgets it after 48 hours.

A record may be repeated after a crash: it is absolute, so repeating it changes nothing.
Crash points: `publisher.before_minutes`, `publisher.after_minutes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from aggregator.domain.cut import CutHead
from aggregator.metrics import MINUTES
from aggregator.publishing.snapshot import MinuteKey, published_state, snapshot
from aggregator.tallies.postgres_tally_store import QUERIES
from outbox.leader_producer import LeaderProducer, LeaderRecord, SupersededError
from outbox.postgres_leases import Lease
from telemetry.failpoints import failpoint

if TYPE_CHECKING:
    import asyncpg

KEPT: Final = timedelta(hours=48)
KEYS_MAX: Final = 500
"""Minutes published in one round, so that cuts need not wait for all of them."""


class MinutePublisher:
    """The minutes of one process, while it leads."""

    def __init__(self, pool: asyncpg.Pool[Any], lease: Lease, wire: LeaderProducer, topic: str) -> None:
        self._pool = pool
        self._lease = lease
        self._wire = wire
        self._topic = topic
        self._waiting: list[MinuteKey] = []
        self._head: CutHead | None = None

    async def publish_once(self) -> int:
        """Publish the minutes that changed since the last round; how many records."""
        term = self._lease.term
        if term is None:
            self._waiting, self._head = [], None
            return 0
        try:
            return await self._publish(term)
        except BaseException:
            self._waiting, self._head = [], None
            raise

    async def forget(self, now: datetime) -> int:
        """Take minutes older than 48 hours out of the topic, then out of the table; how many."""
        term = self._lease.term
        if term is None:
            return 0
        rows = QUERIES.expired_minutes(self._pool, oldest=now - KEPT, keys_max=KEYS_MAX)
        keys: list[MinuteKey] = [(row["minute"], row["scope"]) async for row in rows]
        if keys:
            await self._wire.send([LeaderRecord(self._topic, _key(key), None) for key in keys], term)
            await QUERIES.forget_minutes(
                self._pool, minutes=[minute for minute, _ in keys], scopes=[scope for _, scope in keys]
            )
        return len(keys)

    async def _publish(self, term: int) -> int:
        since = await published_state(self._pool)
        async with snapshot(self._pool) as view:
            head, _ = await view.head()
            if self._head is None:
                # These positions are remembered once all that waits is sent.
                self._waiting = await view.changed_minutes(since, head)
                self._head = head
            elif (self._head.set_id, self._head.generation) != (head.set_id, head.generation):
                self._waiting, self._head = [], None
                return 0
            keys, self._waiting = self._waiting[:KEYS_MAX], self._waiting[KEYS_MAX:]
            rows = await view.minutes(head.set_id, keys) if keys else {}
        if rows:
            await self._send(rows, term)
        if not self._waiting:
            published, self._head = self._head, None
            if _state(published) != (since.minutes_set_id, since.minutes_generation, since.minutes_positions):
                await self._remember(published, term)
        return len(rows)

    async def _send(self, rows: Mapping[MinuteKey, Sequence[tuple[str, int]]], term: int) -> None:
        failpoint("publisher.before_minutes")
        messages = [
            LeaderRecord(self._topic, _key(key), _value(key, term, cells)) for key, cells in rows.items()
        ]
        await self._wire.send(messages, term)
        failpoint("publisher.after_minutes")
        MINUTES.inc(len(messages))

    async def _remember(self, head: CutHead, term: int) -> None:
        remembered_now = await QUERIES.remember_minutes(
            self._pool,
            lease=self._lease.name,
            term=term,
            set_id=head.set_id,
            generation=head.generation,
            positions=list(head.positions),
        )
        if not remembered_now:
            raise SupersededError(f"term {term} leads no more")


def _state(head: CutHead) -> tuple[int, int, tuple[int, ...]]:
    return (head.set_id, head.generation, head.positions)


def _key(key: MinuteKey) -> bytes:
    minute, scope = key
    return f"{scope}|{_moment(minute)}".encode()


def _value(key: MinuteKey, term: int, rows: Sequence[tuple[str, int]]) -> bytes:
    minute, scope = key
    return msgspec.json.encode({"scope": scope, "minute": _moment(minute), "term": term, "rows": rows})


def _moment(minute: datetime) -> str:
    return minute.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

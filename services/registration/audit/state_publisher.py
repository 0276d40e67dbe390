"""Tells all readers once a second where the register stands: one record of `register-state`, by one leader.

Crash points: `audit.before_send`, `audit.after_send`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import asyncpg

from cuts.records import UndecodableRecordError, decode_register_state
from cuts.topic_log import open_topic_log
from database.queries import load_queries
from outbox.postgres_leases import Lease
from outbox.producer import Producer
from registration.audit.auditor import Auditor
from registration.audit.lag import Since, lag_of
from registration.audit.published_cut import CutFollower
from registration.audit.register_state import KEY, TOPIC, RegisterSnapshot, encode
from registration.relay.metrics import LAG_EVENTS, LAG_STANDING
from settings.kafka import KafkaSettings
from telemetry.failpoints import failpoint

EVERY_S: Final = 1.0
READ_S_MAX: Final = 5.0
SEND_S_MAX: Final = 5.0
BATCH_BYTES_MAX: Final = 262_144

QUERIES: Final = load_queries("registration.store")


class StatePublisher:
    """Writes the register's state while the lease is held; `tell_once` in a loop, `close` at the end."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        lease: Lease,
        kafka: KafkaSettings,
        cuts: CutFollower,
        auditor: Auditor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._kafka = kafka
        self._cuts = cuts
        self._auditor = auditor
        self._clock = clock
        self._producer: Producer | None = None
        self._since: dict[int, Since] = {}
        self._due_s = float("-inf")
        self.failing = False

    def pause_s(self) -> float:
        """Until the next record is due: one a second, whatever the last one took."""
        return max(0.05, self._due_s - self._clock())

    async def publish_once(self) -> None:
        """Write one record, if this process leads. Raises what stopped it; the next call begins anew."""
        self._due_s = self._clock() + EVERY_S
        self.failing = True
        try:
            await self._tell()
        except BaseException:
            await self.close()
            raise
        self.failing = False

    async def close(self) -> None:
        """Drop the producer; what was on its way may arrive or not."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.abandon()

    async def _tell(self) -> None:
        if self._lease.term is None:
            await self.close()
            self._since = {}
            LAG_EVENTS.set(0)
            LAG_STANDING.set(0)
            return
        if self._producer is None:
            await self._take_over()
        register = await self._read()
        self._since, lag = lag_of(self._since, self._cuts.positions, register.last_sequence, self._clock())
        LAG_EVENTS.set(lag.events)
        LAG_STANDING.set(lag.standing_s)
        self._auditor.register_refused = register.refused is not None
        refused = register.refused or self._auditor.refused
        term = self._lease.term
        if term is not None:
            await self._send(encode(term, register, self._auditor.last, lag, refused))

    async def _read(self) -> RegisterSnapshot:
        row = await QUERIES.audit_register(self._pool)
        assert row is not None, "the register has its one row from the first migration on"
        return RegisterSnapshot(**dict(row))

    async def _take_over(self) -> None:
        """Get a producer, and a term above the last one that was told: a restored lease may have come back
        lower.
        """
        async with open_topic_log(self._kafka, TOPIC) as topic:
            first, end = await topic.bounds()
            if end > first:
                topic.seek(end - 1)
                for record in await topic.poll(READ_S_MAX):
                    await self._lift(record.value)
        self._producer = Producer(self._kafka.client_options(), BATCH_BYTES_MAX)
        await self._producer.open()

    async def _lift(self, value: bytes | None) -> None:
        try:
            told = decode_register_state(value)
        except UndecodableRecordError:
            return
        await self._lease.raise_term(told.term)

    async def _send(self, value: bytes) -> None:
        assert self._producer is not None, "told before taking over"
        failpoint("audit.before_send")
        await self._producer.send_one(self._kafka.topic(TOPIC), 0, KEY, value, SEND_S_MAX)
        failpoint("audit.after_send")

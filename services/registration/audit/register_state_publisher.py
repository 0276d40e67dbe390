"""Publishes the register's state to the topic `register-state` every second, while holding the lease.

Failpoints: `audit.before_send`, `audit.after_send`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import asyncpg

from cuts.records import UndecodableRecordError, decode_register_state
from database.sql_files import load_queries
from kafka.abandonable_producer import Producer
from kafka.settings import KafkaSettings
from outbox.postgres_leases import Lease
from registration.audit.auditor import Auditor
from registration.audit.lag import PositionSince, measure_lag
from registration.audit.metrics import LAG_EVENTS, LAG_STANDING
from registration.audit.published_cut import CutFollower
from registration.audit.register_state_record import KEY, TOPIC, RegisterSnapshot, encode
from telemetry.failpoints import failpoint

EVERY_S: Final = 1.0
SEND_S_MAX: Final = 5.0
BATCH_BYTES_MAX: Final = 262_144

QUERIES: Final = load_queries("registration.store")


class StatePublisher:
    """Publishes the register's state while this process holds the lease.

    Call `publish_once` in a loop, and `close` at the end.
    """

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        lease: Lease,
        kafka: KafkaSettings,
        cuts: CutFollower,
        auditor: Auditor,
        newest_records: Callable[[], Awaitable[Mapping[int, Sequence[Any]]]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._kafka = kafka
        self._cuts = cuts
        self._auditor = auditor
        self._newest_records = newest_records
        self._clock = clock
        self._producer: Producer | None = None
        self._positions_since: dict[int, PositionSince] = {}
        self._due_s = float("-inf")
        self.failing = False

    def pause_s(self) -> float:
        """Return the seconds until the next record is due.

        Records are due once a second, however long it took to send the previous record.
        """
        return max(0.05, self._due_s - self._clock())

    async def publish_once(self) -> None:
        """Publish one record if this process holds the lease.

        After an error the producer is dropped, and the next call opens a new producer.
        """
        self._due_s = self._clock() + EVERY_S
        self.failing = True
        try:
            await self._publish()
        except BaseException:
            await self.close()
            raise
        self.failing = False

    async def close(self) -> None:
        """Drop the producer. A record that is being sent may still arrive at the broker."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.abandon()

    async def _publish(self) -> None:
        if self._lease.term is None:
            await self.close()
            self._positions_since = {}
            LAG_EVENTS.set(0)
            LAG_STANDING.set(0)
            return
        if self._producer is None:
            await self._open_producer()
        register = await self._read_register()
        self._positions_since, lag = measure_lag(
            self._positions_since, self._cuts.positions, register.last_sequence, self._clock()
        )
        LAG_EVENTS.set(lag.events)
        LAG_STANDING.set(lag.unmoved_s)
        self._auditor.relay_refuses = register.refused is not None
        refused = register.refused or self._auditor.refusal
        term = self._lease.term
        if term is not None:
            await self._send(encode(term, register, self._auditor.last_result, lag, refused))

    async def _read_register(self) -> RegisterSnapshot:
        row = await QUERIES.audit_register(self._pool)
        assert row is not None, "the first migration inserts the only row"
        return RegisterSnapshot(**dict(row))

    async def _open_producer(self) -> None:
        """Raise the lease's term above the term of the topic's last record, and then open a producer.

        After a restore from a backup, the lease's term may be lower than the term of that record. Readers
        would ignore records with such a term.
        """
        for record in (await self._newest_records())[0]:
            await self._raise_term(record.value)
        self._producer = Producer(self._kafka.client_options(), BATCH_BYTES_MAX)
        await self._producer.open()

    async def _raise_term(self, value: bytes | None) -> None:
        try:
            published = decode_register_state(value)
        except UndecodableRecordError:
            return
        await self._lease.raise_term(published.term)

    async def _send(self, value: bytes) -> None:
        assert self._producer is not None, "the producer is open"
        failpoint("audit.before_send")
        await self._producer.send_one(self._kafka.topic(TOPIC), 0, KEY, value, SEND_S_MAX)
        failpoint("audit.after_send")

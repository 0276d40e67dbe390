"""Publishes the register's state every second, and the start of each day once, while this process leads.

Failpoints: `audit.before_send`, `audit.after_send`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, Final

import asyncpg

from cuts.records import UndecodableRecordError, decode_register_state
from database.replication import await_standby
from kafka.leader_producer import LeaderProducer, LeaderRecord
from registration.audit.auditor import Auditor
from registration.audit.day_start import DayStart, DayStartCounter
from registration.audit.growth_auditor import GrowthAuditor
from registration.audit.lag import PositionSince, measure_lag
from registration.audit.metrics import LAG_EVENTS, LAG_STANDING
from registration.audit.published_cut import CutFollower
from registration.audit.register_days_record import TOPIC as DAYS_TOPIC
from registration.audit.register_days_record import day_records
from registration.audit.register_state_record import KEY, TOPIC, RegisterSnapshot, encode
from registration.store.register_rows import QUERIES
from telemetry.failpoints import failpoint

EVERY_S: Final = 1.0
PAUSE_S_MIN: Final = 0.05


class StatePublisher:
    """Publishes the register's state and the start of each day. Implements `outbox.leader.LeaderStep`.

    The start of the day is published again after each take-over or failure, and if the offsets of
    `register-state` decrease, because the topics were then made again and are empty.
    """

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        cuts: CutFollower,
        auditors: tuple[Auditor, GrowthAuditor],
        days: DayStartCounter,
        producer: LeaderProducer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._cuts = cuts
        self._auditor, self._growth = auditors
        self._days = days
        self._producer = producer
        self._clock = clock
        self._positions_since: dict[int, PositionSince] = {}
        self._offset = -1
        self._published_day: DayStart | None = None

    async def take_over(self, _term: int) -> int:
        """See `LeaderStep`."""
        self._published_day = None
        for record in await self._producer.newest_records(TOPIC, 1):
            with contextlib.suppress(UndecodableRecordError):
                return decode_register_state(record.value).term
        return 0

    def step_down(self) -> None:
        """See `LeaderStep`."""
        self._positions_since = {}
        LAG_EVENTS.set(0)
        LAG_STANDING.set(0)

    async def lead_once(self, term: int) -> float:
        """Publish one record. Return the seconds until the next record is due.

        Records are due once a second, however long it took to send the previous record.
        """
        due_s = self._clock() + EVERY_S
        await self._publish(term)
        await self._publish_day(term)
        return max(PAUSE_S_MIN, due_s - self._clock())

    async def _publish(self, term: int) -> None:
        register = await self._read_register()
        self._positions_since, lag = measure_lag(
            self._positions_since, self._cuts.positions, register.last_sequence, self._clock()
        )
        LAG_EVENTS.set(lag.events)
        LAG_STANDING.set(lag.unmoved_s)
        self._auditor.relay_refuses = register.refused is not None
        refused = register.refused or self._auditor.refusal
        audits = (self._auditor.state(), self._growth.last_result)
        value = encode(term, register, audits, lag, refused)
        failpoint("audit.before_send")
        offset = await self._producer.send(TOPIC, [LeaderRecord(KEY, value)], term)
        failpoint("audit.after_send")
        if offset < self._offset:
            self._published_day = None
        self._offset = offset

    async def _publish_day(self, term: int) -> None:
        day = self._days.newest
        if day is not None and day is not self._published_day:
            await self._producer.send(DAYS_TOPIC, day_records(term, day), term)
            self._published_day = day

    async def _read_register(self) -> RegisterSnapshot:
        """Read the state of the register; a fail-over to a synchronous standby loses nothing of it."""
        async with self._pool.acquire() as connection:
            row = await QUERIES.audit_register(connection)
            await await_standby(connection)
        assert row is not None, "the first migration inserts the only row"
        return RegisterSnapshot(**dict(row))

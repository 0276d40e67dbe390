"""Measures how far this machine's clock differs from the database's.

Every time that deletes or decides comes from the database, so the difference does no harm there. It is
reported, because logs and TLS certificates depend on the machine's clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from prometheus_client import Gauge

from lifecycle.loops import run_forever
from lifecycle.stop_signal import StopSignal
from telemetry.health import Health
from telemetry.logs import get

log = get()

MEASURE_EVERY_S: Final = 5.0
SKEW_S_MAX: Final = 5.0
"""A larger difference is reported in the details of the process's health."""
DETAIL: Final = "clock"

SKEW: Final = Gauge("clock_skew_seconds", "This machine's clock minus the database's clock.")


class Database(Protocol):
    """What is needed of a pool."""

    async def fetchval(self, query: str) -> Any:
        """Return the value of a query."""


class ClockSkew:
    """Compares the database's clock with this machine's clock."""

    def __init__(
        self,
        database: Database,
        health: Health,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._health = health
        self._wall_clock = wall_clock

    async def run(self, stopping: StopSignal) -> None:
        """Measure until the stop."""
        await run_forever(
            self.measure_once, stopping, name="clock", pause_s=MEASURE_EVERY_S, failing_s_max=math.inf
        )

    async def measure_once(self) -> float:
        """Measure and report the difference; return it in seconds.

        The database's time is that of the middle between the query and its answer.
        """
        asked_at = self._wall_clock()
        now = await self._database.fetchval("select clock_timestamp()")
        skew_s = float((asked_at + (self._wall_clock() - asked_at) / 2 - now).total_seconds())
        SKEW.set(skew_s)
        self._report(skew_s)
        return skew_s

    def _report(self, skew_s: float) -> None:
        if abs(skew_s) <= SKEW_S_MAX:
            self._health.details.pop(DETAIL, None)
            return
        if DETAIL not in self._health.details:
            log.warning("clock differs from the database's", skew_s=round(skew_s, 1))
        self._health.details[DETAIL] = f"{skew_s:+.0f} s from the database's clock"

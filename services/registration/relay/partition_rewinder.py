"""Rewinds partitions whose counted position has stalled, so that the relay publishes their events again.

Failpoints: `relay.before_rewind`, `relay.after_rewind`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import asyncpg

from cuts.topic_readers import follow_cuts
from kafka.settings import KafkaSettings
from outbox.postgres_leases import Lease
from registration.relay.metrics import REWINDS
from registration.relay.outbox_source import RegisterEventSource
from registration.relay.stall_tracker import StallTracker
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()

CHECK_EVERY_S: Final = 1.0


class StallRewinder:
    """Compares the positions of cuts with the published positions, and rewinds stalled partitions.

    `stall_tracker` decides which partitions have stalled.
    """

    def __init__(
        self, source: RegisterEventSource, lease: Lease, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._lease = lease
        self._clock = clock
        self._stalls = StallTracker.start(clock())
        self._term: int | None = None
        self._checked_s = float("-inf")

    async def follow(self, kafka: KafkaSettings) -> None:
        """Read the published cuts, and check the positions of each new cut. Never returns."""
        newest = (0, 0)
        async for followed in follow_cuts(kafka):
            cut = followed.value
            if followed.is_new and cut.version >= newest:
                newest = cut.version
                await self.check_once(cut.positions)

    async def check_once(self, positions: tuple[int, ...]) -> None:
        """Rewind the stalled partitions if this process holds the lease.

        A call does nothing if the last check is less than CHECK_EVERY_S seconds ago.
        """
        now, term = self._clock(), self._lease.term
        if term is None or now - self._checked_s < CHECK_EVERY_S:
            return
        self._checked_s = now
        if term != self._term:
            self._term, self._stalls = term, StallTracker.start(now)
        try:
            published = await self._source.published_positions()
            self._stalls, rewinds = self._stalls.observe(positions, published, now)
            for partition, position in rewinds:
                await self._rewind(partition, position, term)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            # The next cut starts a new check. If the database stays unreachable, the loop that renews the
            # lease reports it.
            log.warning("relay stall check failed", error=type(error).__name__)

    async def _rewind(self, partition: int, position: int, term: int) -> None:
        failpoint("relay.before_rewind")
        if await self._source.rewind(partition, position, term):
            REWINDS.labels(partition).inc()
            log.warning("relay rewound", partition=partition, position=position)
        failpoint("relay.after_rewind")

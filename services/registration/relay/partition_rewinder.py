"""Rewinds partitions of which the topic lacks events, so that the relay publishes these events again.

Failpoints: `relay.before_rewind`, `relay.after_rewind`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import asyncpg
from aiokafka.errors import KafkaError

from cuts.records import CutRecord
from cuts.topic_readers import follow_cuts
from kafka.settings import KafkaSettings
from outbox.postgres_leases import Lease
from registration.relay.metrics import COPIES, REWINDS, STALLS
from registration.relay.outbox_source import RegisterEventSource
from registration.relay.stall_cause import InspectedPartition, Stall, rewind_target, stall_cause
from registration.relay.stall_tracker import StallTracker
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()

CHECK_EVERY_S: Final = 1.0


class Inspector(Protocol):
    """See `topic_inspection.TopicInspector`."""

    async def inspect(self, stalls: Sequence[Stall]) -> Mapping[int, InspectedPartition]:
        """Inspect the partitions of some stalls."""


class StallRewinder:
    """Compares the positions of cuts with the published positions, and repairs stalled partitions.

    `stall_tracker` decides which partitions have stalled, and `stall_cause` whether a rewind helps.
    """

    def __init__(
        self,
        source: RegisterEventSource,
        lease: Lease,
        inspector: Inspector,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._lease = lease
        self._inspector = inspector
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
                await self.check_once(cut)

    async def check_once(self, cut: CutRecord) -> None:
        """Rewind the partitions of which the topic lacks events, if this process holds the lease.

        A call does nothing if the last check is less than CHECK_EVERY_S seconds ago.
        """
        now, term = self._clock(), self._lease.term
        if term is None or now - self._checked_s < CHECK_EVERY_S:
            return
        self._checked_s = now
        if term != self._term:
            self._term, self._stalls = term, StallTracker.start(now)
        try:
            if stalls := await self._stalled(cut, now):
                inspected = await self._inspector.inspect(stalls)
                for stall in stalls:
                    await self._repair(stall, inspected[stall.partition], term)
        except (OSError, TimeoutError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            # The next cut starts a new check. If the database stays unreachable, the loop that renews the
            # lease reports it.
            log.warning("relay stall check failed", error=type(error).__name__)

    async def _stalled(self, cut: CutRecord, now_s: float) -> Sequence[Stall]:
        epoch, published = await self._source.published_positions()
        # The sequences of another epoch are not comparable. Until the new epoch is counted, nothing of it is.
        is_comparable = cut.epoch == epoch
        positions = cut.positions if is_comparable else (0,) * len(published)
        offsets = cut.next_offsets if is_comparable and cut.next_offsets else (0,) * len(published)
        self._stalls, stalled = self._stalls.observe(positions, published, now_s)
        return [
            Stall(partition, position, published[partition], number, offsets[partition])
            for partition, position, number in stalled
        ]

    async def _repair(self, stall: Stall, found: InspectedPartition, term: int) -> None:
        cause = stall_cause(stall, found)
        STALLS.labels(cause.value).inc()
        target = rewind_target(stall, found)
        if target == stall.published:
            return
        failpoint("relay.before_rewind")
        if await self._source.rewind(stall.partition, target, term):
            copies = stall.published - target
            REWINDS.labels(stall.partition).inc()
            COPIES.labels(stall.partition).inc(copies)
            log.warning(
                "relay rewound",
                partition=stall.partition,
                position=target,
                cause=cause.value,
                events=copies,
            )
        failpoint("relay.after_rewind")

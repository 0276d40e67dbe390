"""When the watchdog ends a stalled worker."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest

from aggregator.consumer.stall_detector import StallDetector
from aggregator.consumer.stall_watchdog import StalledError, StallWatchdog
from telemetry.health import Health
from tests.support.fakes.tally_store import MemoryTallyStore


@dataclass
class HungWorker:
    """A worker that stopped after its tenth record."""

    storing: bool = False
    next_offsets: dict[int, int] = field(default_factory=lambda: {3: 10})
    partitions: set[int] = field(default_factory=lambda: {3})

    def assigned(self) -> set[int]:
        return self.partitions


class TopicOfTwentyRecords:
    """A topic with 20 records per partition, on a broker that may be unavailable."""

    is_unavailable = False

    async def end_offsets(self, partitions: Collection[int]) -> Mapping[int, int]:
        if self.is_unavailable:
            raise ConnectionError("unavailable")
        return dict.fromkeys(partitions, 20)


class World:
    """A watchdog of a hung worker, with a clock that the test advances."""

    def __init__(self) -> None:
        self.now = 0.0
        self.worker = HungWorker()
        self.topic = TopicOfTwentyRecords()
        health = Health(clock=lambda: self.now)
        self.progress = health.progress("counting", 15)
        self.watchdog = StallWatchdog(
            self.worker, self.topic, MemoryTallyStore(), StallDetector(15), self.progress
        )

    async def check(self, seconds: float) -> None:
        """Check once a second for this many seconds."""
        for _ in range(int(seconds)):
            self.now += 1
            await self.watchdog.check_once()


async def test_a_worker_that_hangs_is_ended() -> None:
    world = World()

    with pytest.raises(StalledError, match="3"):
        await world.check(20)


async def test_a_worker_without_partitions_is_ended_if_no_other_worker_counts() -> None:
    world = World()
    world.worker.partitions = set()

    with pytest.raises(StalledError):
        await world.check(20)


async def test_an_unavailable_broker_does_not_end_the_worker() -> None:
    world = World()
    world.topic.is_unavailable = True

    await world.check(60)

    assert not world.progress.overdue()


async def test_a_worker_that_retries_a_store_is_not_stalled() -> None:
    world = World()
    world.worker.storing = True

    await world.check(60)

    assert not world.progress.overdue()

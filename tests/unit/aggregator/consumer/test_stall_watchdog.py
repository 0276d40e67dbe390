"""When the watchdog seeks for a stalled worker, and when it ends the worker."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest

from aggregator.consumer.stall_watchdog import SEEK_AFTER_S, StalledError, StallWatchdog
from telemetry.health import Health
from tests.support.fakes.tally_store import MemoryTallyStore


@dataclass
class HungWorker:
    """A worker that stopped after its tenth record."""

    storing: bool = False
    next_offsets: dict[int, int] = field(default_factory=lambda: {3: 10})
    partitions: set[int] = field(default_factory=lambda: {3})
    seeks: list[dict[int, int]] = field(default_factory=list)
    seek_error: Exception | None = None

    def assigned(self) -> set[int]:
        return self.partitions

    async def seek(self, offsets: Mapping[int, int]) -> None:
        self.seeks.append(dict(offsets))
        if self.seek_error is not None:
            raise self.seek_error


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
        self.watchdog = StallWatchdog(self.worker, self.topic, MemoryTallyStore(), self.progress, 15)

    async def check(self, seconds: float) -> None:
        """Check once a second for this many seconds."""
        for _ in range(int(seconds)):
            self.now += 1
            await self.watchdog.check_once()


async def test_a_worker_that_hangs_is_ended() -> None:
    world = World()

    with pytest.raises(StalledError, match="3"):
        await world.check(20)


async def test_a_stalled_partition_is_sought_to_its_stored_offset_once_per_stall() -> None:
    world = World()

    await world.check(SEEK_AFTER_S + 2)
    seeks_of_short_stall = list(world.worker.seeks)
    await world.check(8)
    seeks_of_first_stall = list(world.worker.seeks)
    world.worker.next_offsets = {3: 15}
    await world.check(SEEK_AFTER_S + 3)

    assert seeks_of_short_stall == []
    assert seeks_of_first_stall == [{3: 0}]
    assert world.worker.seeks == [{3: 0}, {3: 0}]


async def test_a_worker_whose_seek_fails_is_ended_if_the_stall_continues() -> None:
    world = World()
    world.worker.seek_error = TimeoutError()

    with pytest.raises(StalledError):
        await world.check(20)


async def test_a_worker_without_partitions_is_ended_if_no_other_worker_counts() -> None:
    world = World()
    world.worker.partitions = set()

    with pytest.raises(StalledError):
        await world.check(20)
    assert world.worker.seeks == []


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

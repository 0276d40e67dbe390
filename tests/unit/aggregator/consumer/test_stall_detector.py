"""When a worker counts as standing still."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.consumer.stall_detector import StallCheck, StallDetector, StalledError
from telemetry.health import Health
from tests.support.fakes.tally_store import MemoryTallies


def test_records_that_are_not_taken_for_too_long_are_a_stall() -> None:
    stall = StallDetector(seconds_max=15)
    looks = [stall.look(now, {3: 100}, {3: 200}) for now in (0.0, 1.0, 16.0, 17.0)]

    assert looks == [[], [], [], [3]]


def test_a_worker_that_takes_is_never_stalled() -> None:
    stall = StallDetector(seconds_max=15)

    assert not any(stall.look(now, {3: now}, {3: 1_000}) for now in range(0, 100, 10))


def test_a_worker_with_nothing_to_take_is_never_stalled() -> None:
    stall = StallDetector(seconds_max=15)

    assert not any(stall.look(now, {3: 100}, {3: 100}) for now in range(0, 100, 10))


def test_a_partition_given_away_is_judged_no_more() -> None:
    stall = StallDetector(seconds_max=15)
    stall.look(0, {3: 100}, {3: 200})
    stall.look(1, {3: 100}, {3: 200})
    stall.look(2, {}, {})

    assert stall.look(20, {3: 100}, {3: 200}) == []


def test_what_cannot_be_told_is_forgiven() -> None:
    stall = StallDetector(seconds_max=15)
    stall.look(0, {3: 100}, {3: 200})
    stall.look(1, {3: 100}, {3: 200})
    stall.forgive()

    assert stall.look(20, {3: 100}, {3: 200}) == []


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_a_stall_needs_seconds_of_standing_still_behind_the_end(taken: list[int]) -> None:
    stall = StallDetector(seconds_max=5)

    for now, here in enumerate(taken):
        late = stall.look(now, {0: here}, {0: 3})

        stood = taken[max(0, now - 5) : now + 1]
        if late:
            assert set(stood) == {here}
            assert here < 3


@dataclass
class Hung:
    """A worker that took no more after its tenth record."""

    storing: bool = False
    taken: dict[int, int] = field(default_factory=lambda: {3: 10})
    partitions: set[int] = field(default_factory=lambda: {3})

    def assigned(self) -> set[int]:
        return self.partitions


class Ends:
    """A topic whose partitions end at 20, on a broker that may be away."""

    is_away = False

    async def ends(self, partitions: Collection[int]) -> Mapping[int, int]:
        if self.is_away:
            raise ConnectionError("away")
        return dict.fromkeys(partitions, 20)


class Watching:
    """A watch over a hung worker, by a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.worker = Hung()
        self.ends = Ends()
        health = Health(clock=lambda: self.now)
        self.progress = health.progress("counting", 15)
        self.watch = StallCheck(self.worker, self.ends, MemoryTallies(), StallDetector(15), self.progress)

    async def look(self, seconds: float) -> None:
        """Look once a second, for so many seconds."""
        for _ in range(int(seconds)):
            self.now += 1
            await self.watch.check_once()


async def test_a_worker_that_hangs_is_ended() -> None:
    watching = Watching()

    with pytest.raises(StalledError, match="3"):
        await watching.look(20)


async def test_a_worker_that_gets_no_share_while_nobody_counts_is_ended() -> None:
    watching = Watching()
    watching.worker.partitions = set()

    with pytest.raises(StalledError):
        await watching.look(20)


async def test_a_broker_that_is_away_is_not_the_workers_fault() -> None:
    watching = Watching()
    watching.ends.is_away = True

    await watching.look(60)

    assert not watching.progress.overdue()


async def test_a_worker_whose_store_is_tried_again_is_not_stalled() -> None:
    watching = Watching()
    watching.worker.storing = True

    await watching.look(60)

    assert not watching.progress.overdue()

"""A leader takes over before its first step, starts again after a failure, and raises its term if needed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from kafka.leader_producer import SupersededError
from lifecycle.stop_signal import StopSignal
from outbox.leader import Leader, hold
from tests.support.fakes.leases_and_broker import MemoryLeases, leader_producer, leadership
from tests.support.manual_clock import ManualClock


class FakeProducer:
    """A producer that records whether it was abandoned."""

    def __init__(self) -> None:
        self.abandoned = False

    def create_batch(self) -> Any:
        raise AssertionError("this test sends nothing")

    async def send_batch(self, _batch: Any, _topic: str, *, partition: int) -> asyncio.Future[Any]:
        raise AssertionError("this test sends nothing")

    async def abandon(self) -> None:
        self.abandoned = True


class World:
    """A leader with a recording step and recording producers. The step fails with `error` if it is set."""

    def __init__(self, topic_term: int = 0) -> None:
        self.clock = ManualClock()
        self.leases = MemoryLeases(self.clock)
        self.lease = leadership(self.leases, "example", "A", self.clock)
        self.producers: list[FakeProducer] = []
        self.producer = leader_producer(self.lease, self._open)
        self.topic_term = topic_term
        self.events: list[str] = []
        self.error: Exception | None = None
        self.leader = Leader(self.lease, self, self.producer, clock=self.clock)

    async def _open(self, _options: Mapping[str, Any], _bytes: int) -> FakeProducer:
        self.producers.append(FakeProducer())
        return self.producers[-1]

    async def take_over(self, term: int) -> int:
        self.events.append(f"take over {term}")
        return self.topic_term

    async def lead_once(self, term: int) -> float:
        await self.producer.opened()
        if self.error is not None:
            raise self.error
        self.events.append(f"lead {term}")
        self.topic_term = term
        return 7.0

    def step_down(self) -> None:
        self.events.append("step down")

    async def rival_leads(self) -> None:
        """Let the lease expire, and give it to another process."""
        self.clock.now_s += 4.0
        await self.leases.acquire("example", "B", 3.0)


async def test_without_the_lease_the_step_does_not_run() -> None:
    world = World()

    await world.leader.lead_once()

    assert world.events == ["step down"]
    assert world.producers == []


async def test_a_term_is_taken_over_once_and_its_producer_is_kept() -> None:
    world = World()
    await world.lease.renew()

    pauses_s = [await world.leader.lead_once() for _ in range(2)]

    assert pauses_s == [7.0, 7.0]
    assert world.events == ["take over 1", "lead 1", "lead 1"]
    assert len(world.producers) == 1


async def test_after_a_failure_the_producer_is_abandoned_and_the_same_term_is_taken_over_again() -> None:
    world = World()
    await world.lease.renew()
    await world.leader.lead_once()

    world.error = OSError("no broker")
    with pytest.raises(OSError, match="no broker"):
        await world.leader.lead_once()
    world.error = None
    await world.leader.lead_once()

    assert [producer.abandoned for producer in world.producers] == [True, False]
    assert world.events == ["take over 1", "lead 1", "take over 1", "lead 1"]


async def test_a_lost_lease_abandons_the_producer() -> None:
    world = World()
    await world.lease.renew()
    await world.leader.lead_once()

    await world.rival_leads()
    await world.leader.lead_once()

    assert world.producers[0].abandoned
    assert world.events[-1] == "step down"


@pytest.mark.parametrize("topic_term", [1, 5])
async def test_a_term_that_the_topic_already_has_is_raised_above_it(topic_term: int) -> None:
    world = World(topic_term)
    await world.lease.renew()

    await world.leader.lead_once()

    assert world.lease.term == topic_term + 1
    assert world.events == ["take over 1", f"lead {topic_term + 1}"]


async def test_a_superseded_step_is_no_failure() -> None:
    world = World()
    await world.lease.renew()

    world.error = SupersededError("another process leads")
    await world.leader.lead_once()

    assert world.leader.is_ready(0)
    assert world.producers[0].abandoned


async def test_a_leader_whose_steps_fail_for_five_seconds_is_not_ready() -> None:
    world = World()
    await world.lease.renew()
    await world.leader.lead_once()
    world.error = OSError("no broker")
    readiness = []

    for _ in range(4):
        world.clock.now_s += 3.0
        await world.lease.renew()
        with pytest.raises(OSError, match="no broker"):
            await world.leader.lead_once()
        readiness.append(world.leader.is_ready(0))
    world.error = None
    await world.leader.lead_once()

    assert readiness == [True, True, True, False]  # the step before had asked for a pause of 7 s
    assert world.leader.is_ready(0)


async def test_a_leader_that_cannot_reach_the_database_is_not_ready_after_its_lease_expired() -> None:
    world = World()
    await world.lease.renew()
    await world.leader.lead_once()

    world.clock.now_s += 13.0
    await world.leader.lead_once()

    assert world.events[-1] == "step down"
    assert not world.leader.is_ready(0)


async def test_without_kafka_a_leader_without_work_is_not_ready_but_a_standby_is() -> None:
    leading, standing_by = World(), World()
    await leading.lease.renew()
    await leading.leader.lead_once()
    await standing_by.leader.lead_once()

    assert leading.leader.is_ready(4.9)
    assert not leading.leader.is_ready(5)
    assert standing_by.leader.is_ready(5)


async def test_a_leader_that_lost_its_lease_to_another_process_is_ready() -> None:
    world = World()
    await world.lease.renew()
    await world.leader.lead_once()

    world.clock.now_s += 13.0
    await world.leases.acquire("example", "B", 3.0)
    await world.lease.renew()
    await world.leader.lead_once()

    assert world.leader.is_ready(0)


async def test_a_stopped_leader_abandons_its_producer_and_releases_the_lease() -> None:
    world = World()
    stopping = StopSignal()
    running = asyncio.ensure_future(world.leader.run(stopping))
    while not world.producers:
        await asyncio.sleep(0)

    stopping.set()
    await asyncio.wait_for(running, 30)

    assert world.producers[0].abandoned
    assert await world.leases.acquire("example", "B", 3.0) == 2


async def test_a_lease_is_held_during_the_work_and_released_after_it() -> None:
    world = World()
    await world.lease.renew()
    rivals: list[int | None] = []

    async def work() -> None:
        rivals.append(await world.leases.acquire("example", "B", 3.0))

    await hold(world.lease, work())
    rivals.append(await world.leases.acquire("example", "B", 3.0))

    assert rivals == [None, 2]

"""A topic whose end is below the number of published records is published again, by the leader only."""

from __future__ import annotations

import pytest
from aiokafka.errors import KafkaConnectionError

from kafka.leader_producer import SupersededError
from outbox.lost_topic import CHECK_EVERY_S, LostTopicStep, TopicLostError
from tests.support.manual_clock import ManualClock


class RecordingStep:
    """A step that records its calls. Implements `outbox.leader.LeaderStep`."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def take_over(self, _term: int) -> int:
        self.calls.append("take over")
        return 0

    async def lead_once(self, _term: int) -> float:
        self.calls.append("lead")
        return 0.2

    def step_down(self) -> None:
        self.calls.append("step down")


class PublishedRecords:
    """Implements `outbox.lost_topic.PublishedTopic`."""

    def __init__(self, records: int, term: int = 1) -> None:
        self.records = records
        self.term = term
        self.times_published_again = 0

    async def records_min(self) -> int:
        return self.records

    async def publish_again(self, term: int) -> bool:
        if term == self.term:
            self.records = 0
            self.times_published_again += 1
        return term == self.term


class World:
    """A step with a topic that has `end` as its end offset; None if the broker does not answer."""

    def __init__(self, records: int, end: int | None) -> None:
        self.clock = ManualClock()
        self.end = end
        self.published = PublishedRecords(records)
        self.inner = RecordingStep()
        self.step = LostTopicStep("milestones", self.inner, self.published, self._topic_end, self.clock)

    async def _topic_end(self) -> int:
        if self.end is None:
            raise KafkaConnectionError
        return self.end


@pytest.mark.parametrize(
    ("records", "end", "lost"), [(3, 3, 0), (3, 9, 0), (3, 2, 1), (0, 0, 0), (3, None, 0)]
)
async def test_a_take_over_publishes_again_only_if_the_topic_lacks_published_records(
    records: int, end: int | None, lost: int
) -> None:
    world = World(records, end)

    await world.step.take_over(1)

    assert world.published.times_published_again == lost
    assert world.inner.calls == ["take over"]


async def test_a_topic_that_is_lost_while_a_process_leads_is_published_again_with_a_new_producer() -> None:
    world = World(3, 3)
    await world.step.take_over(1)
    world.end = 0
    await world.step.lead_once(1)
    world.clock.now_s += CHECK_EVERY_S

    with pytest.raises(TopicLostError):
        await world.step.lead_once(1)

    assert world.published.times_published_again == 1
    await world.step.take_over(1)
    assert world.published.times_published_again == 1


async def test_a_broker_that_does_not_answer_stops_no_leader() -> None:
    world = World(3, None)
    await world.step.take_over(1)
    world.clock.now_s += CHECK_EVERY_S

    assert await world.step.lead_once(1) == 0.2


async def test_a_process_that_no_longer_leads_publishes_nothing_again() -> None:
    world = World(3, 0)

    with pytest.raises(SupersededError):
        await world.step.take_over(2)

    assert world.published.times_published_again == 0

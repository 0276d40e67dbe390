"""Two publishers of one table leave no gap in the topic, whatever fails and whenever the leader changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka.leader_producer import LeaderProducer
from outbox.leader import Leader
from outbox.leadership import Leadership
from outbox.publisher import (
    BrokenSequenceError,
    Guard,
    Pending,
    Publisher,
    PublishLimits,
    PublishOutcome,
    Record,
    TopicChannel,
)
from outbox.source import PublishedMove
from tests.support.fakes.leases_and_broker import (
    MemoryBroker,
    MemoryLeases,
    MemoryTable,
    has_gap,
    leader_producer,
    leadership,
)
from tests.support.manual_clock import ManualClock

PARTITIONS = 2
FATES = ["ok", "lost", "unanswered", "late"]
ACTIONS = ["write", "A renews", "B renews", "A publishes", "B publishes", "sleep", "rewind", "deliver"]


class RecordingPublisher(Publisher):
    """A publisher that records its outcomes and its take-overs."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.outcomes: list[PublishOutcome] = []
        self.takeovers = 0

    async def take_over(self, term: int) -> int:
        self.takeovers += 1
        return await super().take_over(term)

    async def publish_once(self, term: int) -> PublishOutcome:
        self.outcomes.append(await super().publish_once(term))
        return self.outcomes[-1]


class RecordingLeader(Leader):
    """A leader whose publisher records."""

    def __init__(self, lease: Leadership, publisher: RecordingPublisher, producer: LeaderProducer) -> None:
        super().__init__(lease, publisher, producer)
        self.publisher = publisher


async def allow_all(_term: int) -> str | None:
    """Allow publishing in every term."""
    return None


class World:
    """Two publishers of one table to one broker."""

    def __init__(self, table: type[MemoryTable] = MemoryTable) -> None:
        self.clock = ManualClock()
        self.leases = MemoryLeases(self.clock)
        self.table = table(self.leases, "relay", PARTITIONS)
        self.broker = MemoryBroker(PARTITIONS)
        self.lease_a = leadership(self.leases, "relay", "A", self.clock)
        self.lease_b = leadership(self.leases, "relay", "B", self.clock)
        self.a = self.leader(self.lease_a)
        self.b = self.leader(self.lease_b)

    def leader(self, lease: Leadership, guard: Guard | None = None) -> RecordingLeader:
        """Return a leader that publishes the table."""
        producer = leader_producer(lease, self.broker.open)
        limits = PublishLimits(records_max=3, drain_s_max=0.0)
        publisher = RecordingPublisher(
            self.table,
            TopicChannel(producer, "t"),
            guard=guard or allow_all,
            limits=limits,
            clock=self.clock,
        )
        return RecordingLeader(lease, publisher, producer)

    async def act(self, action: str, fate: str, partition: int) -> None:
        self.broker.next_fates = [fate]
        with contextlib.suppress(ConnectionError):
            match action:
                case "write":
                    self.table.last[partition] += 1
                case "A renews":
                    await self.lease_a.renew()
                case "B renews":
                    await self.lease_b.renew()
                case "A publishes":
                    await self.a.lead_once()
                case "B publishes":
                    await self.b.lead_once()
                case "sleep":
                    self.clock.now_s += 2.0
                case "rewind":
                    self.table.published[partition] = max(0, self.table.published[partition] - 2)
                case "deliver":
                    self.broker.deliver()

    async def settle(self) -> None:
        """Let publisher B lead without failures until no record is pending."""
        self.broker.next_fates = []
        self.clock.now_s += 10.0
        await self.lease_b.renew()
        for _ in range(100):
            await self.b.lead_once()
            if self.b.publisher.outcomes[-1:] == [PublishOutcome.IDLE]:
                return
        raise AssertionError("never idle")


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.sampled_from(ACTIONS), st.sampled_from(FATES), st.integers(0, PARTITIONS - 1)),
        max_size=25,
    )
)
def test_the_topic_has_every_record_in_order_without_a_gap(actions: list[tuple[str, str, int]]) -> None:
    asyncio.run(_every_record_in_order(actions))


async def _every_record_in_order(actions: list[tuple[str, str, int]]) -> None:
    world = World()

    for action, fate, partition in actions:
        await world.act(action, fate, partition)

        for log, published in zip(world.broker.logs, world.table.published, strict=True):
            assert not has_gap(log)
            assert published <= max(log, default=0)

    await world.settle()
    assert world.table.published == world.table.last
    assert [max(log, default=0) for log in world.broker.logs] == world.table.last
    assert not any(map(has_gap, world.broker.logs))


async def test_nothing_is_sent_without_the_lease() -> None:
    world = World()
    world.table.last[0] = 1

    await world.a.lead_once()

    assert world.a.publisher.outcomes == []
    assert world.broker.logs[0] == []


async def test_nothing_is_sent_while_the_guard_refuses() -> None:
    world = World()
    reasons: list[str | None] = ["restored", None]
    results = []

    async def guard(_term: int) -> str | None:
        return reasons.pop(0)

    leader = world.leader(world.lease_a, guard)
    world.table.last[0] = 1
    await world.lease_a.renew()

    for _ in range(2):
        await leader.lead_once()
        results.append((leader.publisher.outcomes[-1], leader.publisher.refused, list(world.broker.logs[0])))

    assert results == [(PublishOutcome.REFUSED, "restored", []), (PublishOutcome.PUBLISHED, None, [1])]


async def test_after_a_position_moved_by_another_process_the_publisher_starts_again() -> None:
    class Rewound(MemoryTable):
        async def advance(self, moves: Sequence[PublishedMove], term: int) -> int:
            self.published[0] = 0
            return await super().advance([move._replace(expected=-1) for move in moves], term)

    world = World(Rewound)
    world.table.last[0] = 2
    await world.lease_a.renew()

    for _ in range(2):
        await world.a.lead_once()

    assert world.a.publisher.takeovers == 2
    assert world.table.published == [0, 0]


async def test_nothing_above_a_gap_in_the_table_is_sent() -> None:
    class WithGap(MemoryTable):
        async def pending(self, records_max: int, skip: Collection[int]) -> Sequence[Pending]:
            return [Pending(0, 0, [Record(1, b"k", b"1"), Record(3, b"k", b"3")])]

    world = World(WithGap)
    await world.lease_a.renew()

    with pytest.raises(BrokenSequenceError):
        await world.a.lead_once()

    assert world.broker.logs[0] == []

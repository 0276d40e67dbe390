"""The model's relays, which use the product's publisher, leadership and rewind on a register in memory."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from outbox.leader import Leader
from outbox.publisher import Pending, Publisher, PublishLimits, Record, TopicChannel
from outbox.source import PublishedMove
from registration.relay.stall_cause import (
    InspectedPartition,
    Stall,
    first_offset_read,
    rewind_target,
)
from registration.relay.stall_tracker import StallTracker
from registration.relay.topic_divergence import records_back
from tests.model.event_topic import Producer, Topic
from tests.model.process_driver import Driver, InjectedFailureError, LoopDriver, Process
from tests.model.publishers import CutLog
from tests.model.register import PARTITIONS, Register
from tests.model.stepping_loop import SteppingLoop
from tests.support.fakes.leases_and_broker import MemoryLeases, leader_producer, leadership
from tests.support.manual_clock import ManualClock

LEASE = "relay"
LIMITS = PublishLimits(records_max=3, drain_s_max=0.0)
RECORDS_BACK = records_back(LIMITS.records_max)


class EventSource:
    """The register's events as a source of records; see `outbox.source.Source`."""

    def __init__(self, register: Register, leases: MemoryLeases, driver: Driver) -> None:
        self._register = register
        self._leases = leases
        self._driver = driver
        self.sequences: dict[bytes, int] = {}
        """The sequence of each record value that `pending` returned."""

    async def pending(self, records_max: int, skip: Collection[int]) -> Sequence[Pending]:
        await self._driver.interruption_point()
        found = []
        for partition in range(PARTITIONS):
            published, events = self._register.published[partition], self._register.events[partition]
            waiting = sorted(sequence for sequence in events if sequence > published)[:records_max]
            if waiting and partition not in skip:
                records = [Record(sequence, b"k", events[sequence].value) for sequence in waiting]
                self.sequences.update((events[sequence].value, sequence) for sequence in waiting)
                found.append(Pending(partition, published, records))
        return found

    async def advance(self, moves: Sequence[PublishedMove], term: int) -> int:
        await self._driver.interruption_point()
        moved = 0
        for partition, expected, to in moves:
            if self._leases.leads(LEASE, term) and self._register.published[partition] == expected:
                self._register.published[partition] = to
                moved += 1
        await self._driver.interruption_point()
        return moved

    def rewind(self, partition: int, position: int, term: int) -> None:
        """Lower the published position of a partition to `position`, if `term` leads."""
        if self._leases.leads(LEASE, term) and self._register.published[partition] > position:
            self._register.published[partition] = position


class Relay(Process):
    """A relay. It rewinds a partition that has stalled, if the topic lacks its events."""

    instances = 0
    """The number of started relays, so that each start can use a new name as the holder of the lease."""
    publisher_type: ClassVar[type[Publisher]] = Publisher

    def __init__(
        self,
        loop: SteppingLoop,
        register: Register,
        topic: Topic,
        cuts: CutLog,
        leases: MemoryLeases,
        clock: ManualClock,
    ) -> None:
        super().__init__(LoopDriver(loop))
        self._loop = loop
        self._register = register
        self._topic = topic
        self._cuts = cuts
        self._leases = leases
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        Relay.instances += 1
        self._events = EventSource(self._register, self._leases, self.driver)
        self._lease = leadership(self._leases, LEASE, f"relay-{Relay.instances}", self._clock)
        producer = leader_producer(self._lease, self._open)
        publisher = self.publisher_type(
            self._events, TopicChannel(producer, "participant-events"), limits=LIMITS, clock=self._clock
        )
        self._leader = Leader(self._lease, publisher, producer)
        self._stalls = StallTracker.start(self._clock())
        self._term: int | None = None
        self._newest = (0, 0)

    async def _open(self, _options: Mapping[str, Any], _bytes: int) -> Producer:
        return Producer(self._topic, self, self._events.sequences)

    def work(self, choice: int) -> Coroutine[Any, Any, None]:
        return self._work()

    async def _work(self) -> None:
        with suppress(InjectedFailureError):
            await self._leader.lead_once()

    def renew(self) -> None:
        """Take or renew the lease."""
        self._loop.finish(self._lease.renew())

    def check_positions(self) -> None:
        """Read the positions of the newest cut, and rewind the partitions that stall."""
        cut, term = self._cuts.newest, self._lease.term
        if cut is None or term is None or cut.version < self._newest:
            return
        self._newest = cut.version
        now_s = self._clock()
        if term != self._term:
            self._term, self._stalls = term, StallTracker.start(now_s)
        self._stalls, stalled = self._stalls.observe(cut.positions, self._register.published, now_s)
        for partition, position, number in stalled:
            published = self._register.published[partition]
            self._repair(Stall(partition, position, published, number, cut.next_offsets[partition]), term)

    def _repair(self, stall: Stall, term: int) -> None:
        partition, log = stall.partition, self._topic.logs[stall.partition]
        first, end = self._topic.first[partition], self._topic.end(partition)
        unread = log[first_offset_read(stall, first, end) - first :]
        inspected = InspectedPartition(
            any(record.sequence == stall.position + 1 for record in unread),
            max((record.sequence or 0 for record in log[-RECORDS_BACK:]), default=0),
        )
        self._events.rewind(partition, rewind_target(stall, inspected), term)

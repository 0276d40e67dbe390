"""Tells a worker that stands still from one that has nothing to do: it asks the broker, not Faust.

After a rebalance Faust sometimes never fetches again and says nothing. A worker whose partitions have
records it does not take, or that waits for its share for too long, is stalled and must be restarted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

from aggregator.metrics import ASSIGNED, BEHIND
from aggregator.tallies.tally_store import TallyStore
from telemetry.health import Progress
from telemetry.logs import get

log = get()


class StalledError(RuntimeError):
    """The worker stands still though there is something to take: it must be started anew."""


class TopicEnds(Protocol):
    """Where each partition of the topic ends."""

    async def ends(self, partitions: Collection[int]) -> Mapping[int, int]:
        """The offset after the last record of each partition. Raises where the broker does not answer."""


@dataclass(slots=True)
class StallDetector:
    """Judges from what is seen again and again; pure, the clock is the caller's."""

    seconds_max: float
    _taken: dict[int, int] = field(default_factory=dict)
    _since: dict[int, float] = field(default_factory=dict)

    def look(self, now: float, taken: Mapping[int, int], ends: Mapping[int, int]) -> list[int]:
        """The partitions that have stood still for too long though they hold more than was taken.

        `taken` and `ends` are offsets of the partitions to judge; one that is left out starts anew.
        """
        self._since = {partition: since for partition, since in self._since.items() if partition in taken}
        for partition, here in taken.items():
            moved = self._taken.get(partition) != here
            if moved or here >= ends.get(partition, 0):
                self._since.pop(partition, None)
            else:
                self._since.setdefault(partition, now)
        self._taken = dict(taken)
        return sorted(one for one, since in self._since.items() if now - since > self.seconds_max)

    def forgive(self) -> None:
        """Start all waits anew: the broker or the database is away, which is not the worker's fault."""
        self._since.clear()


class KafkaTopicEnds:
    """The ends of a topic's partitions, asked from the broker on a connection that Faust has no part in."""

    def __init__(self, client_options: Mapping[str, Any], topic: str) -> None:
        self._options = client_options
        self._topic = topic
        self._consumer: AIOKafkaConsumer | None = None

    async def ends(self, partitions: Collection[int]) -> Mapping[int, int]:
        """See `TopicEnds`."""
        if self._consumer is None:
            consumer = AIOKafkaConsumer(**self._options, group_id=None, request_timeout_ms=5_000)
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        found = await self._consumer.end_offsets([TopicPartition(self._topic, one) for one in partitions])
        return {one.partition: offset for one, offset in found.items()}

    async def close(self) -> None:
        """Close the connection."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()


class WatchedWorker(Protocol):
    """What is looked at of a worker."""

    @property
    def storing(self) -> bool:
        """Whether a batch is being stored, maybe again and again."""

    @property
    def taken(self) -> Mapping[int, int]:
        """Per partition, the offset below which everything was taken."""

    def assigned(self) -> Collection[int]:
        """The partitions it reads."""


class StallCheck:
    """Looks at a worker once a second; ends it where it stands still."""

    def __init__(
        self,
        worker: WatchedWorker,
        ends: TopicEnds,
        tallies: TallyStore,
        stall: StallDetector,
        progress: Progress,
    ) -> None:
        self._worker = worker
        self._ends = ends
        self._tallies = tallies
        self._stall = stall
        self._progress = progress

    async def check_once(self) -> None:
        """Raises StalledError where the worker has stood still for too long with records to take."""
        if self._worker.storing:  # maybe again and again: `persistently` has a bound of its own
            self._stall.forgive()
            self._progress.beat()
            return
        try:
            taken = await self._taken()
            ends = await self._ends.ends(taken.keys())
        except Exception as error:
            log.info("cannot tell whether the worker stands still", error=type(error).__name__)
            self._stall.forgive()
            self._progress.beat()
            return
        ASSIGNED.set(len(self._worker.assigned()))
        BEHIND.set(sum(max(0, ends.get(one, 0) - here) for one, here in taken.items()))
        late = self._stall.look(self._progress.clock(), taken, ends)
        if late:
            raise StalledError(f"partitions {late} have records that are not taken")
        self._progress.beat()

    async def _taken(self) -> dict[int, int]:
        """Offsets up to which the worker's partitions are taken; without a share, up to which anyone counted.

        So a worker that never gets its share is found out too, where nobody else counts either.
        """
        assigned = self._worker.assigned()
        if assigned:
            return {one: self._worker.taken.get(one, 0) for one in assigned}
        return {one: place.offset for one, place in (await self._tallies.places()).items()}

"""Publishes the rows of a table to a topic in sequence order, so that the topic never has a gap.

Each partition has at most one batch in flight. The stored position advances only past records that the broker
has acknowledged. The statement that advances it requires that the position is still the one at which the
batch started, and that the lease still has the publisher's term. After any failure (a rejected batch, a lost
lease, a position moved by another process) the producer is abandoned without flushing, and a new producer
starts again from the stored position. Therefore the topic may contain a series of records twice, but it never
has a gap, and a sequence never appears before a lower one has appeared. The publisher is the step of a
`Leader`, which takes the lease and abandons the producer.

Failpoints: `<name>.before_produce`, `<name>.after_produce`, `<name>.after_ack`, `<name>.after_advance`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from kafka.abandonable_producer import OpenProducer
from kafka.leader_producer import LeaderProducer, SupersededError
from outbox.metrics import ACKNOWLEDGED, PUBLISHED, ROUNDS
from outbox.source import Pending, PublishedMove, Record, Source
from telemetry.failpoints import failpoint

__all__ = [
    "BrokenSequenceError",
    "NotAcknowledgedError",
    "Pending",
    "PublishLimits",
    "PublishOutcome",
    "PublishedMove",
    "Publisher",
    "Record",
    "Source",
    "TopicChannel",
]

REFUSED_PAUSE_S: Final = 1.0


class PublishOutcome(Enum):
    """The outcome of a round."""

    REFUSED = "refused"  # the guard forbids sending in this term
    IDLE = "idle"  # no record is pending
    WAITING = "waiting"  # no batch in flight was acknowledged in this round
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class TopicChannel:
    """Where to publish: the leader's producer, the topic without prefix, and every record's headers."""

    producer: LeaderProducer
    topic: str
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class PublishLimits:
    """The limits of a publisher. `idle_s` is the pause between two queries for new records."""

    records_max: int = 1_000
    idle_s: float = 0.2
    round_s_max: float = 1.0
    ack_s_max: float = 20.0
    drain_s_max: float = 1.0


Guard = Callable[[int], Awaitable[str | None]]
"""Takes a term; returns None if records may be sent in this term, else the reason why not.

It is called before the first record of the term, and again in each round as long as it returns a reason.
"""


async def _allow_all(_term: int) -> str | None:
    return None


class NotAcknowledgedError(Exception):
    """A batch was not acknowledged within `ack_s_max`.

    Check the broker. The publisher starts again without an operator.
    """


class BrokenSequenceError(Exception):
    """The table has a gap: a sequence is missing although a higher sequence is visible.

    No record above the gap is sent.
    """


@dataclass(frozen=True, slots=True)
class _InFlight:
    move: PublishedMove
    future: asyncio.Future[Any]
    sent_at: float


class Publisher:
    """Publishes the records of a source. Implements `outbox.leader.LeaderStep`."""

    def __init__(
        self,
        source: Source,
        channel: TopicChannel,
        *,
        guard: Guard = _allow_all,
        limits: PublishLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._channel = channel
        self._producer = channel.producer
        self._name = channel.producer.name
        self._guard = guard
        self._limits = limits or PublishLimits()
        self._clock = clock
        self._in_flight: dict[int, _InFlight] = {}
        self._allowed = False
        """Whether the guard has allowed to publish in this term."""
        self.refused: str | None = None
        """The guard's reason while the guard forbids sending, else None."""

    async def take_over(self, _term: int) -> int:
        """See `LeaderStep`. Batches in flight are sent again, because their positions did not move.

        The records have no term: the stored positions keep the topic in order.
        """
        self._in_flight.clear()
        self._allowed = False
        return 0

    async def lead_once(self, term: int) -> float:
        """See `LeaderStep`."""
        outcome = await self.publish_once(term)
        return REFUSED_PAUSE_S if outcome is PublishOutcome.REFUSED else self._limits.idle_s

    def step_down(self) -> None:
        """See `LeaderStep`."""
        self.refused = None

    async def publish_once(self, term: int) -> PublishOutcome:
        """Publish until no record is pending, or for `drain_s_max` seconds.

        After an error, abandon the producer and call `take_over`, as a leader does.
        """
        until = self._clock() + self._limits.drain_s_max
        while True:
            outcome = await self._round(term)
            ROUNDS.labels(self._name, outcome.value).inc()
            if outcome is not PublishOutcome.PUBLISHED or self._clock() >= until:
                return outcome

    async def _round(self, term: int) -> PublishOutcome:
        if not self._allowed:
            self.refused = await self._guard(term)
            if self.refused is not None:
                return PublishOutcome.REFUSED
            self._allowed = True
        producer = await self._producer.opened()
        pending = await self._source.pending(self._limits.records_max, frozenset(self._in_flight))
        if not pending and not self._in_flight:
            return PublishOutcome.IDLE
        await self._send(producer, pending, term)
        moves = await self._acknowledged()
        return await self._advance(moves, term)

    async def _send(self, producer: OpenProducer, pending: Sequence[Pending], term: int) -> None:
        failpoint(f"{self._name}.before_produce")
        for partition, published, records in pending:
            batch = producer.create_batch()
            last = _fill(batch, records, published, self._channel.headers)
            future = await self._producer.send_batch(batch, self._channel.topic, partition, term)
            self._in_flight[partition] = _InFlight(
                PublishedMove(partition, published, last), future, self._clock()
            )
        failpoint(f"{self._name}.after_produce")

    async def _acknowledged(self) -> list[PublishedMove]:
        """Wait for the batches in flight; return the position changes of the acknowledged batches.

        The wait ends after `round_s_max`, so that a slow batch does not delay the other partitions. Raises
        NotAcknowledgedError if a batch took longer than `ack_s_max`.
        """
        started_at = self._clock()
        await asyncio.wait(
            [sent.future for sent in self._in_flight.values()], timeout=self._limits.round_s_max
        )
        done = [sent for sent in self._in_flight.values() if sent.future.done()]
        for sent in done:
            sent.future.result()
            del self._in_flight[sent.move.partition]
        for sent in self._in_flight.values():
            if self._clock() - sent.sent_at > self._limits.ack_s_max:
                raise NotAcknowledgedError(f"partition {sent.move.partition} of {self._channel.topic}")
        if done:
            ACKNOWLEDGED.labels(self._name).observe(self._clock() - started_at)
        return [sent.move for sent in done]

    async def _advance(self, moves: Sequence[PublishedMove], term: int) -> PublishOutcome:
        if not moves:
            return PublishOutcome.WAITING
        failpoint(f"{self._name}.after_ack")
        self._producer.check(term)
        if await self._source.advance(moves, term) != len(moves):
            raise SupersededError("another process moved the position or holds the lease")
        failpoint(f"{self._name}.after_advance")
        PUBLISHED.labels(self._name).inc(sum(move.to - move.expected for move in moves))
        return PublishOutcome.PUBLISHED


def _fill(batch: Any, records: Sequence[Record], published: int, headers: Sequence[tuple[str, bytes]]) -> int:
    """Append records to the batch while they fit; return the sequence of the last record that was appended.

    The first record always fits.
    """
    last = published
    headers = list(headers)
    for sequence, key, value in records:
        if sequence != last + 1:
            raise BrokenSequenceError(f"expected {last + 1}, found {sequence}")
        if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
            break
        last = sequence
    batch.close()
    return last

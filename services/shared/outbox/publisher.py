"""Publishes the rows of a table to a topic in sequence order, so that the topic never has a gap.

Each partition has at most one batch in flight. The stored position advances only past records that the broker
has acknowledged. The statement that advances it requires that the position is still the one at which the
batch started, and that the lease still has the publisher's term. After any failure (a rejected batch, a lost
lease, a position moved by another process) the producer is abandoned without flushing, and a new producer
starts again from the stored position. Therefore the topic may contain a series of records twice, but it never
has a gap, and a sequence never appears before a lower one has appeared.

Failpoints: `<name>.before_produce`, `<name>.after_produce`, `<name>.after_ack`, `<name>.after_advance`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from kafka.abandonable_producer import OpenProducer, open_producer, retrieve_exception
from outbox.leadership import Leadership
from outbox.metrics import ACKNOWLEDGED, PRODUCERS, PUBLISHED, ROUNDS
from outbox.source import Pending, PublishedMove, Record, Source
from telemetry.failpoints import failpoint
from telemetry.logs import get

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

log = get()


class PublishOutcome(Enum):
    """How a round of the publisher ended."""

    STANDING_BY = "standing_by"  # another process leads
    REFUSED = "refused"  # the guard forbids sending in this term
    IDLE = "idle"  # no record is pending
    WAITING = "waiting"  # no batch in flight was acknowledged in this round
    PUBLISHED = "published"
    SUPERSEDED = "superseded"  # lease lost, or position moved by another process; the publisher restarts


@dataclass(frozen=True, slots=True)
class TopicChannel:
    """Where to publish: the topic's full name, aiokafka's client options, and the headers of every record."""

    topic: str
    client_options: Mapping[str, Any]
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class PublishLimits:
    """The limits of a publisher.

    `batch_bytes_max` is the size of a batch before compression. It must be below the broker's
    message.max.bytes.
    """

    records_max: int = 1_000
    batch_bytes_max: int = 900_000
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


class _SupersededError(Exception):
    """Another process leads or has moved the position."""


@dataclass(frozen=True, slots=True)
class _InFlight:
    move: PublishedMove
    future: asyncio.Future[Any]
    sent_at: float


class Publisher:
    """Publishes the records of a source while this process holds the lease.

    Call `publish_once` in a loop, and `close` at the end.
    """

    def __init__(
        self,
        source: Source,
        lease: Leadership,
        channel: TopicChannel,
        *,
        guard: Guard = _allow_all,
        limits: PublishLimits | None = None,
        open_producer: Callable[[Mapping[str, Any], int], Awaitable[OpenProducer]] = open_producer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._lease = lease
        self._channel = channel
        self._guard = guard
        self._limits = limits or PublishLimits()
        self._open_producer = open_producer
        self._clock = clock
        self._producer: OpenProducer | None = None
        self._term: int | None = None
        self._in_flight: dict[int, _InFlight] = {}
        self.refused: str | None = None
        """The guard's reason while the guard forbids sending, else None."""

    async def publish_once(self) -> PublishOutcome:
        """Publish until no record is pending, or for `drain_s_max` seconds.

        If a round raises, the producer is abandoned and the exception propagates.
        """
        until = self._clock() + self._limits.drain_s_max
        while True:
            outcome = await self._counted_round()
            if outcome is not PublishOutcome.PUBLISHED or self._clock() >= until:
                return outcome

    async def close(self) -> None:
        """Abandon the producer. The next leader sends the records of the batches in flight again."""
        self._in_flight.clear()
        self._term = None
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.abandon()

    async def _counted_round(self) -> PublishOutcome:
        try:
            outcome = await self._round()
        except _SupersededError as superseded:
            log.warning("outbox superseded", outbox=self._lease.name, reason=str(superseded))
            await self.close()
            outcome = PublishOutcome.SUPERSEDED
        except BaseException:
            await self.close()
            raise
        ROUNDS.labels(self._lease.name, outcome.value).inc()
        return outcome

    async def _round(self) -> PublishOutcome:
        term = self._lease.term
        if term is None or term != self._term:
            await self.close()
            if term is None:
                self.refused = None
                return PublishOutcome.STANDING_BY
            self.refused = await self._guard(term)
            if self.refused is not None:
                return PublishOutcome.REFUSED
            self._producer = await self._open_producer(
                self._channel.client_options, self._limits.batch_bytes_max
            )
            self._term = term
            PRODUCERS.labels(self._lease.name).inc()
        pending = await self._source.pending(self._limits.records_max, frozenset(self._in_flight))
        if not pending and not self._in_flight:
            return PublishOutcome.IDLE
        await self._send(pending, term)
        moves = await self._acknowledged()
        return await self._advance(moves, term)

    async def _send(self, pending: Sequence[Pending], term: int) -> None:
        assert self._producer is not None, "a round without a producer"
        failpoint(f"{self._lease.name}.before_produce")
        for partition, published, records in pending:
            batch = self._producer.create_batch()
            last = _fill(batch, records, published, self._channel.headers)
            if self._lease.term != term:
                raise _SupersededError("the lease expired before sending")
            future = await self._producer.send_batch(batch, self._channel.topic, partition=partition)
            future.add_done_callback(retrieve_exception)
            self._in_flight[partition] = _InFlight(
                PublishedMove(partition, published, last), future, self._clock()
            )
        failpoint(f"{self._lease.name}.after_produce")

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
            ACKNOWLEDGED.labels(self._lease.name).observe(self._clock() - started_at)
        return [sent.move for sent in done]

    async def _advance(self, moves: Sequence[PublishedMove], term: int) -> PublishOutcome:
        if not moves:
            return PublishOutcome.WAITING
        failpoint(f"{self._lease.name}.after_ack")
        if self._lease.term != term:
            raise _SupersededError("the lease expired before the position moved")
        if await self._source.advance(moves, term) != len(moves):
            raise _SupersededError("another process moved the position or holds the lease")
        failpoint(f"{self._lease.name}.after_advance")
        PUBLISHED.labels(self._lease.name).inc(sum(move.to - move.expected for move in moves))
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

"""Knows how a table is published to a topic in sequence order, so that the topic never has a gap.

Per partition one batch is in flight, and the stored position moves only past an acknowledged batch, by a
statement that requires the position it started from and the lease's term. Whatever goes wrong (a refused
batch, a lost lease, a position somebody else moved) the producer is abandoned without flushing and the
stream starts again from the stored position with a new one. So repeats are possible, in order and from one
point on; gaps and changes of order are not.

Crash points: `<name>.before_produce`, `<name>.after_produce`, `<name>.after_ack`, `<name>.after_advance`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from outbox.leadership import Leadership
from outbox.metrics import ACKNOWLEDGED, PRODUCERS, PUBLISHED, ROUNDS
from outbox.producer import OpenProducer, open_producer, seen
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
    """What a round came to."""

    STANDING_BY = "standing_by"  # another leads
    REFUSED = "refused"  # the guard says that nothing may be sent
    IDLE = "idle"
    WAITING = "waiting"  # for an acknowledgement
    PUBLISHED = "published"
    SUPERSEDED = "superseded"  # the lease was lost, or a position moved under us: the stream starts again


@dataclass(frozen=True, slots=True)
class TopicChannel:
    """Where to: topic on the wire, aiokafka's options, and the headers that every record carries."""

    topic: str
    client_options: Mapping[str, Any]
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class PublishLimits:
    """Bounds of a publisher. `batch_bytes_max` is before compression and below the broker's
    message.max.bytes.
    """

    records_max: int = 1_000
    batch_bytes_max: int = 900_000
    round_s_max: float = 1.0
    ack_s_max: float = 20.0
    drain_s_max: float = 1.0


Guard = Callable[[int], Awaitable[str | None]]
"""Asked with the term before the first record of a term is sent, and again while it refuses: a reason
refuses.
"""


async def _always(_term: int) -> str | None:
    return None


class NotAcknowledgedError(Exception):
    """A batch was not acknowledged in time. The stream starts again by itself: look at the broker."""


class BrokenSequenceError(Exception):
    """The table has a hole: a sequence is missing although a higher one is visible. Nothing is sent past
    it.
    """


class _SupersededError(Exception):
    """Leadership or position changed under us."""


@dataclass(frozen=True, slots=True)
class _InFlight:
    move: PublishedMove
    future: asyncio.Future[Any]
    sent_at: float


class Publisher:
    """Publishes a source for as long as the lease is held. Call `once` in a loop, `close` at the end."""

    def __init__(
        self,
        source: Source,
        lease: Leadership,
        channel: TopicChannel,
        *,
        guard: Guard = _always,
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
        """Why nothing is sent, while the guard refuses."""

    async def publish_once(self) -> PublishOutcome:
        """Publish until nothing waits, or for `drain_s_max`. Raises what stopped it, after dropping the
        producer.
        """
        until = self._clock() + self._limits.drain_s_max
        while True:
            outcome = await self._counted_round()
            if outcome is not PublishOutcome.PUBLISHED or self._clock() >= until:
                return outcome

    async def close(self) -> None:
        """Stop, sending nothing more. What was in flight is sent again by the next leader."""
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
                raise _SupersededError("the lease ran out before sending")
            future = await self._producer.send_batch(batch, self._channel.topic, partition=partition)
            future.add_done_callback(seen)
            self._in_flight[partition] = _InFlight(
                PublishedMove(partition, published, last), future, self._clock()
            )
        failpoint(f"{self._lease.name}.after_produce")

    async def _acknowledged(self) -> list[PublishedMove]:
        """Wait for the batches in flight; a slow one stays in flight and lets the other partitions go on."""
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
            raise _SupersededError("the lease ran out before the position moved")
        if await self._source.advance(moves, term) != len(moves):
            raise _SupersededError("the position is another's by now, or was moved")
        failpoint(f"{self._lease.name}.after_advance")
        PUBLISHED.labels(self._lease.name).inc(sum(move.to - move.expected for move in moves))
        return PublishOutcome.PUBLISHED


def _fill(batch: Any, records: Sequence[Record], published: int, headers: Sequence[tuple[str, bytes]]) -> int:
    """Append records while they fit; the sequence of the last that did. The first always fits."""
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

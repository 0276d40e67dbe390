"""Sends the records of a leader, as long as its term lasts.

A leader abandons its producer after every failure and when it loses the lease; the next send opens a new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from prometheus_client import Counter

from kafka.abandonable_producer import OpenProducer, open_producer, retrieve_exception
from kafka.settings import KafkaSettings
from kafka.topic_reader import end_offset, newest_records

BATCH_BYTES_MAX: Final = 1_000_000
ACK_S_MAX: Final = 10.0

PRODUCERS: Final = Counter(
    "outbox_producers_total", "Producers made: each restart of the stream makes one", ["outbox"]
)


class HeldLease(Protocol):
    """What a producer needs of a lease; `outbox.leadership.Leadership` implements it."""

    @property
    def name(self) -> str:
        """The name of the lease."""

    @property
    def term(self) -> int | None:
        """The term in which this process leads; None if it does not lead."""


class SupersededError(Exception):
    """This process may no longer lead, so it sends no further record in this term."""


class LeaderRecord(NamedTuple):
    """A record; a `value` of None is a tombstone."""

    key: bytes | None
    value: bytes | None


class LeaderProducer:
    """Sends batches and records by one idempotent producer, which it opens when it is needed.

    `batch_bytes_max` is the size of a batch before compression. It must be below the broker's
    message.max.bytes.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        lease: HeldLease,
        *,
        batch_bytes_max: int = BATCH_BYTES_MAX,
        open_producer: Callable[[Mapping[str, Any], int], Awaitable[OpenProducer]] = open_producer,
    ) -> None:
        self._kafka = kafka
        self._lease = lease
        self._batch_bytes_max = batch_bytes_max
        self._open_producer = open_producer
        self._producer: OpenProducer | None = None
        self.name: Final = lease.name
        """The name of the lease, which is a label of metrics."""

    def check(self, term: int) -> None:
        """Raise SupersededError if, by this process's clock, the lease may have expired."""
        if self._lease.term != term:
            raise SupersededError(f"term {term} of {self.name} has ended")

    async def opened(self) -> OpenProducer:
        """Return the open producer; connect a new one if there is none."""
        if self._producer is None:
            options = self._kafka.client_options()
            self._producer = await self._open_producer(options, self._batch_bytes_max)
            PRODUCERS.labels(self.name).inc()
        return self._producer

    async def send_batch(self, batch: Any, topic: str, partition: int, term: int) -> asyncio.Future[Any]:
        """Queue a batch; return a future with the broker's acknowledgement or the final error.

        `topic` is the topic's name without the configured prefix. Raises SupersededError.
        """
        producer = await self.opened()
        # A process that was suspended detects here that another process may lead. If the lease expires after
        # this check, the batch is sent with a lower term than the next leader's, and readers ignore it.
        self.check(term)
        future = await producer.send_batch(batch, self._kafka.topic(topic), partition=partition)
        future.add_done_callback(retrieve_exception)
        return future

    async def send(self, topic: str, records: Sequence[LeaderRecord], term: int) -> int:
        """Send records to partition 0 in order, wait for all acknowledgements, and return the first offset.

        Raises SupersededError, KafkaError or TimeoutError. Some of the records may then have been sent.
        """
        producer = await self.opened()
        async with asyncio.timeout(ACK_S_MAX):
            sent = [await self.send_batch(batch, topic, 0, term) for batch in _batches(producer, records)]
            acknowledged = await asyncio.gather(*sent)
        return int(acknowledged[0].offset)

    async def newest_records(self, topic: str, count: int) -> Sequence[Any]:
        """Return the last `count` records of the topic, which has one partition, oldest first.

        A leader learns from them the highest term in the topic. Raises KafkaError or TimeoutError.
        """
        return (await newest_records(self._kafka, topic, count))[0]

    async def end_offset(self, topic: str) -> int:
        """Return the offset that the next record of the topic, which has one partition, will get.

        Raises KafkaError or TimeoutError.
        """
        async with asyncio.timeout(ACK_S_MAX):
            return await end_offset(self._kafka, topic)

    async def abandon(self) -> None:
        """Abandon the producer without flushing."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.abandon()


def _batches(producer: OpenProducer, records: Sequence[LeaderRecord]) -> Iterator[Any]:
    """Pack the records into batches. The first record of a batch always fits."""
    waiting = list(records)
    while waiting:
        batch = producer.create_batch()
        size = 0
        for key, value in waiting:
            if batch.append(timestamp=None, key=key, value=value, headers=[]) is None:
                break
            size += 1
        assert size, "a record is larger than a batch"
        batch.close()
        yield batch
        del waiting[:size]

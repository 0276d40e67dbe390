"""Sends the records of a leader. After a failure, the Kafka producer and its unsent records are abandoned."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from kafka.abandonable_producer import Producer

REQUEST_BYTES_MAX: Final = 1_000_000
ACK_S_MAX: Final = 10.0


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
    """A record for partition 0 of a topic; a `value` of None is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None


class LeaderProducer:
    """Sends records by an idempotent producer, which is replaced by a new producer after every failure."""

    def __init__(self, client_options: Mapping[str, Any], lease: HeldLease) -> None:
        self._options = client_options
        self._lease = lease
        self._producer: Producer | None = None

    async def send(self, messages: Sequence[LeaderRecord], term: int) -> int:
        """Send the records in order, wait for all acknowledgements, and return the first record's offset.

        Raises SupersededError if, by this process's clock, the lease may have expired. The lease is checked
        before each record, so the records before the failed check may have been sent.
        """
        try:
            if self._producer is None:
                producer = Producer(self._options, REQUEST_BYTES_MAX)
                await producer.open()
                self._producer = producer
            async with asyncio.timeout(ACK_S_MAX):
                return await self._send(self._producer, messages, term)
        except BaseException:
            await self.abandon()
            raise

    async def _send(self, producer: Producer, messages: Sequence[LeaderRecord], term: int) -> int:
        sent = []
        for message in messages:
            # A process that was suspended detects here that another process may lead. If the lease expires
            # after this check, the record is sent with a lower term than the next leader's, and readers
            # ignore it.
            if self._lease.term != term:
                raise SupersededError(f"term {term} of {self._lease.name} has ended")
            sent.append(await producer.send(message.topic, message.value, message.key, partition=0))
        acknowledged = await asyncio.gather(*sent)
        return int(acknowledged[0].offset)

    async def abandon(self) -> None:
        """Abandon the producer without flushing; the next `send` opens a new one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.abandon()

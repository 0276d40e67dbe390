"""Sends a leader's records; on the first failure the producer is dropped with all that it still holds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from outbox.lease import Lease
from outbox.producer import Producer

REQUEST_BYTES_MAX: Final = 1_000_000
ACK_S_MAX: Final = 10.0


class SupersededError(Exception):
    """Another leads by now, or may: nothing more is sent in this term."""


class LeaderRecord(NamedTuple):
    """A record to send; `value` None is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None


class LeaderProducer:
    """An idempotent producer that is made anew after every failure."""

    def __init__(self, client_options: Mapping[str, Any], lease: Lease) -> None:
        self._options = client_options
        self._lease = lease
        self._producer: Producer | None = None

    async def send(self, messages: Sequence[LeaderRecord], term: int) -> int:
        """Send in order and wait for all acknowledgements; the offset of the first.

        Raises SupersededError where the lease may have run out by our own clock, before anything is sent.
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
            # A process that was stopped finds out here that others lead; what slips through has a lower term.
            if self._lease.term != term:
                raise SupersededError(f"term {term} of {self._lease.name} is over")
            sent.append(await producer.send(message.topic, message.value, message.key, partition=0))
        acknowledged = await asyncio.gather(*sent)
        return int(acknowledged[0].offset)

    async def abandon(self) -> None:
        """Drop the producer without flushing."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.abandon()

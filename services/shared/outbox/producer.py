"""Knows how to make an idempotent producer of aiokafka that can be abandoned: dropped at once, sending
nothing more.

aiokafka's `stop()` flushes: it first waits until every batch taken in is delivered, for as long as the
broker is away, and a leader that lost its lease would so write after the next one began. `abandon` takes
the batches that wait out of the accumulator, lets no connection be made any more, closes those there are
(what is in flight fails) and then ends the sender. A request already in the socket may still reach the
broker: repeats are allowed, and since a partition has one batch in flight that starts just above an
acknowledged one, such a straggler leaves no hole.

This reaches into aiokafka 0.14's private parts (`_message_accumulator`, `_sender`, `client._get_conn`); the
tests of this package show that they still behave so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer

START_S_MAX: Final = 15.0
ABANDON_S_MAX: Final = 2.0
REQUEST_TIMEOUT_MS: Final = 10_000
RETRY_BACKOFF_MS: Final = 100


class OpenProducer(Protocol):
    """What a publisher needs of a producer."""

    def create_batch(self) -> Any:
        """A batch to be filled: `append(timestamp, key, value, headers)` answers None when it is full."""

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """Hand a batch over; the future is done when the broker has acknowledged it, or failed for good."""

    async def abandon(self) -> None:
        """Drop everything at once; nothing that waits is sent."""


async def open_producer(client_options: Mapping[str, Any], batch_bytes_max: int) -> OpenProducer:
    """A connected `Producer`."""
    producer = Producer(client_options, batch_bytes_max)
    await producer.open()
    return producer


async def _no_connection(*_: object, **__: object) -> None:
    """Stands in for aiokafka's way to open a connection once a producer is abandoned."""


class Producer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka has no types
    """An idempotent producer, lz4, whose batches are built by the caller (`create_batch`, `send_batch`)."""

    def __init__(self, client_options: Mapping[str, Any], batch_bytes_max: int) -> None:
        super().__init__(
            **{
                "enable_idempotence": True,
                "acks": "all",
                "compression_type": "lz4",
                "linger_ms": 0,
                "max_batch_size": batch_bytes_max,
                "max_request_size": batch_bytes_max,
                "request_timeout_ms": REQUEST_TIMEOUT_MS,
                "retry_backoff_ms": RETRY_BACKOFF_MS,
                **client_options,
            }
        )

    async def open(self, timeout_s: float = START_S_MAX) -> None:
        """Connect and get a producer id; abandons itself and raises when that takes too long or fails."""
        try:
            await asyncio.wait_for(self.start(), timeout_s)
        except BaseException:
            await self.abandon()
            raise

    async def send_one(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, timeout_s: float
    ) -> int:
        """Send one record and wait until it is acknowledged; its offset.

        Raises KafkaError or TimeoutError. The record may have arrived all the same: abandon the producer
        then.
        """
        batch = self.create_batch()
        batch.append(timestamp=None, key=key, value=value)
        batch.close()
        async with asyncio.timeout(timeout_s):
            future = await self.send_batch(batch, topic, partition=partition)
            future.add_done_callback(seen)
            offset: int = (await asyncio.shield(future)).offset
        return offset

    async def abandon(self) -> None:
        """Drop everything at once; nothing that waits is sent. Safe to call twice and in any state."""
        if self._closed:  # type: ignore[has-type]  # aiokafka has no types
            return
        self._closed = True  # stop() and __del__ have nothing left to do
        self._message_accumulator._closed = True
        self._message_accumulator._batches.clear()
        self.client._get_conn = _no_connection
        await self._close_connections()
        await _end(self._sender.sender_task)
        # A connection that was being opened meanwhile.
        await self._close_connections()

    async def _close_connections(self) -> None:
        closing = asyncio.ensure_future(self.client.close())
        await asyncio.wait([closing], timeout=ABANDON_S_MAX)
        if not closing.done():
            await _end(closing)


def seen(future: asyncio.Future[Any]) -> None:
    """A done callback: an abandoned batch's failure has nobody who asks for it."""
    if not future.cancelled():
        future.exception()


async def _end(task: asyncio.Future[Any] | None) -> None:
    """Cancel until it ends: aiokafka's sender answers a first cancellation by waiting for its requests."""
    if task is None:
        return
    for _ in range(5):
        if task.done():
            break
        task.cancel()
        await asyncio.wait([task], timeout=ABANDON_S_MAX / 5)
    if task.done() and not task.cancelled():
        task.exception()  # seen: what a dropped producer's sender dies of is of no interest

"""An idempotent aiokafka producer that can be abandoned: `abandon` stops it without flushing.

aiokafka's `stop()` flushes: it waits until every accepted batch is delivered, however long the broker is
away. With `stop()`, a leader that lost its lease would write after the next leader began. `abandon` removes
the waiting batches from the accumulator, prevents new connections, closes the existing connections (so that
requests in flight fail) and then ends the sender task. A request that is already in the socket may still
reach the broker. This is safe, because repeated records are allowed. A late batch leaves no gap either: a
partition has only one batch in flight, and that batch starts directly after an acknowledged batch.

The module depends on private attributes of aiokafka 0.14 (`_message_accumulator`, `_sender`,
`client._get_conn`). If aiokafka changes these attributes, the integration tests of this package fail.
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
    """The interface to a producer, as a publisher needs it."""

    def create_batch(self) -> Any:
        """Return an empty batch.

        Its `append(timestamp, key, value, headers)` returns None if the batch is full.
        """

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """Queue a batch; return a future with the broker's acknowledgement or the final error."""

    async def abandon(self) -> None:
        """Stop at once; waiting batches are not sent."""


async def open_producer(client_options: Mapping[str, Any], batch_bytes_max: int) -> OpenProducer:
    """Connect a new `Producer` and return it."""
    producer = Producer(client_options, batch_bytes_max)
    await producer.open()
    return producer


async def _no_connection(*_: object, **__: object) -> None:
    """Replace aiokafka's `_get_conn` in an abandoned producer, so that it opens no connection."""


class Producer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka has no types
    """An idempotent producer with lz4 compression.

    The caller builds the batches with `create_batch` and sends them with `send_batch`.
    """

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
        """Connect and get a producer id from the broker.

        If this fails or takes longer than `timeout_s`, abandon the producer and raise the error.
        """
        try:
            await asyncio.wait_for(self.start(), timeout_s)
        except BaseException:
            await self.abandon()
            raise

    async def abandon(self) -> None:
        """Stop at once; waiting batches are not sent. May be called twice and in any state."""
        if self._closed:  # type: ignore[has-type]  # aiokafka has no types
            return
        self._closed = True  # makes stop() and __del__ do nothing
        self._message_accumulator._closed = True
        self._message_accumulator._batches.clear()
        self.client._get_conn = _no_connection
        await self._close_connections()
        await _end(self._sender.sender_task)
        # Close them again, because a connection may have been opened in the meantime.
        await self._close_connections()

    async def _close_connections(self) -> None:
        closing = asyncio.ensure_future(self.client.close())
        await asyncio.wait([closing], timeout=ABANDON_S_MAX)
        if not closing.done():
            await _end(closing)


def retrieve_exception(future: asyncio.Future[Any]) -> None:
    """Retrieve a future's exception, so that asyncio does not log it as never retrieved.

    Use it as a done callback.
    """
    if not future.cancelled():
        future.exception()


async def _end(task: asyncio.Future[Any] | None) -> None:
    """Cancel the task repeatedly until it ends.

    At the first cancellation, aiokafka's sender task only starts to wait for its open requests.
    """
    if task is None:
        return
    for _ in range(5):
        if task.done():
            break
        task.cancel()
        await asyncio.wait([task], timeout=ABANDON_S_MAX / 5)
    if task.done() and not task.cancelled():
        task.exception()  # retrieved, so that asyncio does not log it

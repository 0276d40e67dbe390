"""Starts and stops a Faust app whose only agent counts whole fetches, and raises the error that ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from faust.types import TP

from aggregator.consumer.faust_transport import UNCHANGED_CODEC
from aggregator.consumer.fetch_consumer import BatchApp, Fetch, FetchConsumer
from aggregator.consumer.fetch_pause import pause_s
from aggregator.decoding.batch_decoder import Decode
from aggregator.domain.event import Record
from aggregator.metrics import ASSIGNED
from aggregator.tallies.batch_counter import BatchCounter
from aggregator.tallies.store_retry import RetryPolicy, retry
from aggregator.tallies.tally_store import TallyStore


class FaustWorker:
    """A Faust app and its agent. Call `start`, then await `wait_for_failure`, and finally call `stop`."""

    def __init__(
        self, app: BatchApp, topic: str, tallies: TallyStore, decode: Decode, failing_s_max: float
    ) -> None:
        self._app = app
        self._topic = topic
        self._retry_policy = RetryPolicy(failing_s_max)
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._counter = BatchCounter(tallies, self._request_seek, decode=decode)
        self.next_offsets: dict[int, int] = {}
        """Per partition, the offset after the last record handed to counting, or the target of a later
        seek."""
        self.storing = False
        """Whether a fetch is being stored. This includes the retries, which have their own time limit."""
        app.stored_offsets = self._load_offsets
        # `acks=False` below: this worker commits no offsets to Kafka, so Faust need not keep lists of
        # acknowledged messages.
        events = app.topic(
            topic,
            value_type=None,
            value_serializer=UNCHANGED_CODEC,
            key_type=bytes,
            key_serializer="raw",
            acks=False,
        )
        app.agent(events, name="count", concurrency=1)(self._count)

    async def start(self) -> None:
        """Start the app and its agent."""
        self._app.finalize()
        await self._app.start()

    async def wait_for_failure(self) -> None:
        """Wait until the worker fails, then raise the error of the app or the agent."""
        crashed = asyncio.ensure_future(self._app._crashed.wait())
        failures: set[asyncio.Future[Any]] = {crashed, self._failed}
        try:
            await asyncio.wait(failures, return_when=asyncio.FIRST_COMPLETED)
        finally:
            crashed.cancel()
        if self._failed.done():
            self._failed.result()
        raise RuntimeError("Faust crashed") from self._app.crash_reason

    async def stop(self) -> None:
        """Leave the consumer group and stop.

        No batch is lost: PostgreSQL completes a statement that is running, and another worker counts each
        batch that was not stored.
        """
        await self._app.stop()

    def assigned(self) -> set[int]:
        """Return the partitions assigned to this worker; an empty set before Faust has a consumer."""
        try:
            return {tp.partition for tp in self._app.consumer.assignment() if tp.topic == self._topic}
        except Exception:
            return set()

    @property
    def _consumer(self) -> FetchConsumer:
        consumer = self._app.consumer
        assert isinstance(consumer, FetchConsumer), "the app uses another transport"
        return consumer

    def _request_seek(self, partition: int, offset: int) -> None:
        self._consumer.request_seek(TP(self._topic, partition), offset)
        self.next_offsets[partition] = offset

    async def _load_offsets(self) -> dict[int, int]:
        offsets = await retry(self._counter.load_offsets, self._retry_policy)
        self.next_offsets = dict(offsets)
        ASSIGNED.set(len(self.assigned()))
        return dict(offsets)

    async def _count(self, stream: Any) -> None:
        async for event in stream.events():
            fetch: Fetch = event.value
            # Drop each batch that was fetched before its partition's last seek. That seek went back to
            # earlier records, which must be counted first.
            current = {
                tp.partition: batch.records
                for tp, batch in fetch.items()
                if batch.seeks == self._consumer.seeks_of(tp)
            }
            if current:
                await self._count_fetch(current)
            self._consumer.finish_fetch()

    async def _count_fetch(self, fetched: Mapping[int, Sequence[Record]]) -> None:
        self.storing = True
        for partition, records in fetched.items():
            self.next_offsets[partition] = records[-1].offset + 1
        began_at = time.monotonic()
        try:
            await retry(lambda: self._counter.count_fetch(fetched), self._retry_policy)
        except Exception as error:
            if not self._failed.done():
                self._failed.set_exception(error)
            await asyncio.Event().wait()  # never returns: an error that left the agent would lose the batch
        finally:
            self.storing = False
        self._consumer.pause_s = pause_s(time.monotonic() - began_at, sum(map(len, fetched.values())))

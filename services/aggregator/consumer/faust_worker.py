"""Starts and stops a Faust app whose only agent counts whole fetches, and raises the error that ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka.errors import IllegalStateError
from faust.types import TP

from aggregator.consumer.faust_transport import FetchApp
from aggregator.consumer.fetch_pause import pause_s
from aggregator.consumer.whole_fetch_scheduler import Fetch
from aggregator.decoding.batch_decoder import Decode
from aggregator.domain.event import Record
from aggregator.metrics import ASSIGNED
from aggregator.tallies.batch_counter import BatchCounter
from aggregator.tallies.store_retry import RetryPolicy, retry
from aggregator.tallies.tally_store import TallyStore


class FaustWorker:
    """A Faust app and its agent. Call `start`, then await `wait_for_failure`, and finally call `stop`."""

    def __init__(
        self, app: FetchApp, topic: str, tallies: TallyStore, decode: Decode, failing_s_max: float
    ) -> None:
        self._app = app
        self._topic = topic
        self._retry_policy = RetryPolicy(failing_s_max)
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._counter = BatchCounter(tallies, self._request_seek, decode=decode)
        self._requested_seeks: dict[int, int] = {}
        self.next_offsets: dict[int, int] = {}
        """Per partition, the offset after the last record handed to counting, or the target of a later
        seek."""
        self.storing = False
        """Whether a fetch is being stored. This includes the retries, which have their own time limit."""
        self.joined = False
        """Whether the worker has joined its consumer group. A stand-by has joined, but has no partitions."""
        app.on_partitions_assigned.connect(self._on_partitions_assigned)
        app.stored_offsets = self._load_offsets
        # `acks=False` below: this worker commits no offsets to Kafka, so Faust need not keep lists of
        # acknowledged messages.
        events = app.topic(
            topic,
            value_type=None,
            value_serializer="raw",
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
        stopped = asyncio.ensure_future(self._app.wait_for_stopped())
        failures: set[asyncio.Future[Any]] = {stopped, self._failed}
        try:
            await asyncio.wait(failures, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
        if self._failed.done():
            self._failed.result()
        raise RuntimeError("Faust stopped") from self._app.crash_reason

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

    async def seek(self, offsets: Mapping[int, int]) -> None:
        """Continue reading at these offsets, of those partitions that are assigned to this worker."""
        assigned = self.assigned()
        targets = {TP(self._topic, partition): offsets[partition] for partition in assigned & offsets.keys()}
        with suppress(IllegalStateError):  # a rebalance began; Faust seeks to the stored offsets after it
            if targets:
                await self._app.consumer.seek_wait(targets)

    async def _on_partitions_assigned(self, *_: Any, **__: Any) -> None:
        self.joined = True

    def _request_seek(self, partition: int, offset: int) -> None:
        self._requested_seeks[partition] = offset
        self.next_offsets[partition] = offset

    async def _load_offsets(self) -> dict[int, int]:
        offsets = await retry(self._counter.load_offsets, self._retry_policy)
        self.next_offsets = dict(offsets)
        ASSIGNED.set(len(self.assigned()))
        return dict(offsets)

    async def _count(self, stream: Any) -> None:
        async for event in stream.events():
            fetch: Fetch = event.value
            try:
                await self._count_fetch({tp.partition: records for tp, records in fetch.items()})
                # Fetches that were read before this seek are still counted. Their events above the gap change
                # nothing, and they request no further seek.
                requested, self._requested_seeks = self._requested_seeks, {}
                await self.seek(requested)
            except Exception as error:
                if not self._failed.done():
                    self._failed.set_exception(error)
                await (
                    asyncio.Event().wait()
                )  # never returns: an error that left the agent would lose the batch

    async def _count_fetch(self, fetched: Mapping[int, Sequence[Record]]) -> None:
        self.storing = True
        for partition, records in fetched.items():
            self.next_offsets[partition] = records[-1].offset + 1
        began_at = time.monotonic()
        try:
            await retry(lambda: self._counter.count_fetch(fetched), self._retry_policy)
        finally:
            self.storing = False
        self._app.pause_s = pause_s(time.monotonic() - began_at, sum(map(len, fetched.values())))

"""A Faust consumer that delivers whole fetches and starts reading from the offsets stored beside the counts.

Where a method overrides Faust's, its docstring says why Faust's method does not fit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, cast

import faust
import uvloop
from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from aggregator.domain.event import Record

WAIT_S_MAX: Final = 1.0
PENDING_FETCHES_MAX: Final = 2
"""The most fetches that are delivered but not finished: one is counted while the next is decoded. The limit
is below `stream_buffer_maxsize`, so Faust's buffer is never full and no task waits for space in it. Faust
would not wake a waiting task when a rebalance empties the buffer."""
CAPACITY_WAIT_S_MAX: Final = 0.1
REBALANCE_POLL_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class FetchedBatch:
    """Records fetched together from one partition, and how many seeks the partition had before that fetch."""

    seeks: int
    records: Sequence[Record]


Fetch = Mapping[TP, FetchedBatch]
"""The result of one fetch, delivered as one Faust event. No batch in it is empty."""


class BatchApp(faust.App):
    """A Faust app whose consumer starts at offsets that are stored beside the counts."""

    stored_offsets: Callable[[], Awaitable[Mapping[int, int]]]
    """Reads, for each partition, the stored offset of the next record to read."""

    def _create_directories(self) -> None:
        """Do nothing.

        Faust would create a folder for tables in the working directory; this app has no tables.
        """


class FetchConsumer(driver.Consumer):
    """A variant of Faust's aiokafka consumer that delivers whole fetches and starts at the stored offsets."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._seeks: dict[TP, int] = {}
        self._requested_seeks: dict[TP, int] = {}
        self._must_seek_to_stored = True
        self._pending_fetches = 0
        self._capacity_freed = asyncio.Event()
        self.pause_s = 0.0
        """The least number of seconds between two fetches, so that the next fetch has more records."""

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        """Run the fetching thread on uvloop.

        With asyncio's loop a worker takes 7 % more CPU time (measured).
        """
        thread_loop = uvloop.new_event_loop()
        return driver.AIOKafkaConsumerThread(
            self, loop=self.loop, thread_loop=thread_loop, beacon=self.beacon
        )

    async def _stored_offsets(self) -> Mapping[int, int]:
        assert isinstance(self.app, BatchApp), "this consumer needs a BatchApp"
        return await self.app.stored_offsets()

    def seeks_of(self, tp: TP) -> int:
        """Return how many seeks the partition has had.

        A batch whose `seeks` is lower was fetched before the last seek.
        """
        return self._seeks.get(tp, 0)

    def request_seek(self, tp: TP, offset: int) -> None:
        """Make the fetch loop seek to `offset` before its next fetch.

        The agent must not seek by itself, because a fetch may be running. The batch of that fetch would count
        as fetched after the seek, but could lack the records to which the seek goes back.
        """
        self._seeks[tp] = self.seeks_of(tp) + 1
        self._requested_seeks[tp] = offset

    def finish_fetch(self) -> None:
        """Note that the agent has finished one delivered fetch, so that another fetch can be delivered."""
        self._pending_fetches = max(0, self._pending_fetches - 1)
        self._capacity_freed.set()

    def on_buffer_full(self, tp: TP) -> None:
        """Do not pause the partition.

        Faust would pause it, and later resume the paused partitions one at a time in an arbitrary order.
        While other partitions are busy, some paused partitions would then stall for half a minute. Instead of
        pausing a partition, the fetch loop waits until the agent has finished a fetch.
        """

    async def perform_seek(self) -> None:
        """Let the fetch loop seek to the stored offsets once the rebalance is complete.

        Faust's method would seek at once, to the offsets that Faust committed. They can be higher than those
        of messages that are still being processed. Faust also empties the agent's buffer *after* this call,
        so a batch that was fetched between the two would be lost.
        """
        self._must_seek_to_stored = True

    async def _seek_to_stored(self) -> None:
        """Seek to the stored offsets of all assigned partitions."""
        self._must_seek_to_stored = False
        offsets = await self._stored_offsets()
        tps = set(self.assignment())
        for tp in tps:
            self._seeks[tp] = self.seeks_of(tp) + 1
            self._requested_seeks.pop(tp, None)
        self._pending_fetches = 0  # Faust discarded the fetches that were buffered before the rebalance
        targets = {tp: offsets[tp.partition] for tp in tps if tp.partition in offsets}
        if targets:
            try:
                await self.seek_wait(targets)
            except IllegalStateError:  # another rebalance began
                self._must_seek_to_stored = True

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Return the stored offsets, because this worker commits no offsets to Kafka."""
        offsets = await self._stored_offsets()
        return {tp: offsets[tp.partition] for tp in self.assignment() if tp.partition in offsets}

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing.

        Faust would check the progress of commits, but this worker makes none. `stall_watchdog` checks the
        progress instead.
        """

    async def _drain_messages(self, fetcher: Any) -> None:
        """Run the fetch loop, which delivers each fetch as one message.

        Faust's loop would create four tasks per record. It would also drop the records below the highest
        offset that it has read, so a seek back would have no effect.
        """

        def stopping() -> bool:
            return bool(self._stopped.is_set() or fetcher._stopped.is_set())

        loop = asyncio.get_running_loop()
        fetched_at = 0.0
        try:
            while not stopping():
                await asyncio.sleep(max(0.0, fetched_at + self.pause_s - loop.time()))
                if not self.flow_active or self.app.rebalancing:
                    await asyncio.sleep(REBALANCE_POLL_S)
                    continue
                if self._must_seek_to_stored:
                    await self._seek_to_stored()
                    continue
                await self._perform_requested_seeks()
                seeks = dict(self._seeks)
                records, active = await self._wait_next_records(WAIT_S_MAX)
                await asyncio.sleep(0)
                if not records or self.should_stop:
                    continue
                fetched_at = loop.time()
                await self._deliver(records, active, seeks, stopping)
        except self.consumer_stopped_errors:
            if not self.transport.app.should_stop:
                raise

    async def _perform_requested_seeks(self) -> None:
        requested, self._requested_seeks = self._requested_seeks, {}
        if requested:
            targets = {tp: offset for tp, offset in requested.items() if tp in self.assignment()}
            if targets:
                await self.seek_wait(targets)

    async def _deliver(
        self,
        records: Mapping[TP, Sequence[Record]],
        active: set[TP] | None,
        seeks: Mapping[TP, int],
        stopping: Callable[[], bool],
    ) -> None:
        generation = self.app.consumer_generation_id

        def outdated() -> bool:
            """Return whether the fetch must be dropped, because the worker stops or a rebalance began.

            After a rebalance the fetch loop starts again at the stored offsets.
            """
            return (
                stopping()
                or not self.flow_active
                or self.app.rebalancing
                or bool(self.app.consumer_generation_id != generation)
            )

        while self._pending_fetches >= PENDING_FETCHES_MAX and not outdated():
            await self._wait_for_capacity()
        if outdated():
            return
        fetch = {
            tp: FetchedBatch(seeks.get(tp, 0), batch)
            for tp, batch in records.items()
            if batch and (active is None or tp in active) and seeks.get(tp, 0) == self.seeks_of(tp)
        }
        if fetch:
            self._pending_fetches += 1
            await self.callback(_message(fetch, generation))

    async def _wait_for_capacity(self) -> None:
        self._capacity_freed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._capacity_freed.wait(), CAPACITY_WAIT_S_MAX)


def _message(fetch: Fetch, generation: int) -> ConsumerMessage:
    tp, batch = next(iter(fetch.items()))  # Faust requires one partition; any partition will do
    return ConsumerMessage(
        topic=tp.topic,
        partition=tp.partition,
        offset=batch.records[-1].offset,
        timestamp=0.0,
        timestamp_type=0,
        headers=None,
        key=None,
        value=cast("bytes", fetch),  # only the topic's codec reads the value, and returns it unchanged
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        tp=tp,
        generation_id=generation,
    )

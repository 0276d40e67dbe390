"""A Faust transport that hands over whole fetches and owns the read position.

Registered for URLs of the scheme `kafka-batches`. Where Faust's parts give way, the method says why.
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
from faust.serializers.codecs import Codec, register
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from aggregator.domain.event import Record

SCHEME: Final = "kafka-batches"
AS_IS: Final = "as-is"
WAIT_S_MAX: Final = 1.0
IN_HAND_MAX: Final = 2
"""Fetches handed over and not dealt with yet: one is being counted while the next is decoded. Below
`stream_buffer_maxsize`: Faust's buffer is never full, so nothing ever waits on it (a buffer emptied by a
rebalance wakes nobody who waits for room in it)."""
ROOM_WAIT_S_MAX: Final = 0.1
SHARING_LOOK_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class FetchEvent:
    """Records fetched together from one partition, and the seek after which they were asked for."""

    epoch: int
    records: Sequence[Record]


Fetched = Mapping[TP, FetchEvent]
"""What one fetch brought, handed over as one Faust event: no batch in it is empty."""


class BatchApp(faust.App):
    """A Faust app whose consumer begins at offsets that lie beside the counts."""

    stored_offsets: Callable[[], Awaitable[Mapping[int, int]]]
    """The offset to read on from, per partition."""

    def _create_directories(self) -> None:
        """Faust would make a folder for its tables in the working directory; there are none."""


class Consumer(driver.Consumer):
    """Faust's aiokafka consumer, reading batches from where the counts stand."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._epochs: dict[TP, int] = {}
        self._wanted: dict[TP, int] = {}
        self._begins_anew = True
        self._in_hand = 0
        self._room = asyncio.Event()
        self.rest_s = 0.0
        """How long to let records gather between two fetches."""

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        """The thread that fetches, on uvloop: asyncio's own loop costs a worker 7 % more CPU time (seen)."""
        thread_loop = uvloop.new_event_loop()
        return driver.AIOKafkaConsumerThread(
            self, loop=self.loop, thread_loop=thread_loop, beacon=self.beacon
        )

    async def _stored_offsets(self) -> Mapping[int, int]:
        assert isinstance(self.app, BatchApp), "the transport is for this app"
        return await self.app.stored_offsets()

    def epoch_of(self, tp: TP) -> int:
        """The number of seeks so far: a batch of an older epoch was asked for before the last one."""
        return self._epochs.get(tp, 0)

    def ask_seek(self, tp: TP, offset: int) -> None:
        """Go on from `offset`; carried out by the fetch loop between two fetches.

        A seek made by the agent would race the fetch under way, whose batch then skips what was sought.
        """
        self._epochs[tp] = self.epoch_of(tp) + 1
        self._wanted[tp] = offset

    def done(self) -> None:
        """Say that one fetch handed over is dealt with."""
        self._in_hand = max(0, self._in_hand - 1)
        self._room.set()

    def on_buffer_full(self, tp: TP) -> None:
        """Pause no partition.

        Faust would, and wake them in the order of a set, one at a time: beside busy partitions some then
        stand still for half a minute. The fetch loop waits for room instead.
        """

    async def perform_seek(self) -> None:
        """Have the fetch loop begin anew, once the partitions are shared.

        Faust would begin here, at the offsets it committed; its commits pass messages still in flight. And it
        empties the agent's buffer *after* this: what was fetched in between would be lost.
        """
        self._begins_anew = True

    async def _begin(self) -> None:
        """Go to the stored offsets of all partitions assigned."""
        self._begins_anew = False
        offsets = await self._stored_offsets()
        tps = set(self.assignment())
        for tp in tps:
            self._epochs[tp] = self.epoch_of(tp) + 1
            self._wanted.pop(tp, None)
        self._in_hand = 0  # what was buffered before the partitions were shared anew is thrown away
        here = {tp: offsets[tp.partition] for tp in tps if tp.partition in offsets}
        if here:
            try:
                await self.seek_wait(here)
            except IllegalStateError:  # they are being shared anew, again
                self._begins_anew = True

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Nothing is committed to Kafka: the stored offsets stand in."""
        offsets = await self._stored_offsets()
        return {tp: offsets[tp.partition] for tp in self.assignment() if tp.partition in offsets}

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: Faust judges progress by commits, and there are none; `stall_detector` judges it."""

    async def _drain_messages(self, fetcher: Any) -> None:
        """Hand over each fetch as one message.

        Faust's loop makes four tasks per record and drops what lies below its own read offset, which no
        seek back would pass.
        """

        def stopping() -> bool:
            return bool(self._stopped.is_set() or fetcher._stopped.is_set())

        loop = asyncio.get_running_loop()
        fetched_at = 0.0
        try:
            while not stopping():
                await asyncio.sleep(max(0.0, fetched_at + self.rest_s - loop.time()))
                if not self.flow_active or self.app.rebalancing:
                    await asyncio.sleep(SHARING_LOOK_S)
                    continue
                if self._begins_anew:
                    await self._begin()
                    continue
                await self._carry_out_seeks()
                epochs = dict(self._epochs)
                records, active = await self._wait_next_records(WAIT_S_MAX)
                await asyncio.sleep(0)
                if not records or self.should_stop:
                    continue
                fetched_at = loop.time()
                await self._hand_over(records, active, epochs, stopping)
        except self.consumer_stopped_errors:
            if not self.transport.app.should_stop:
                raise

    async def _carry_out_seeks(self) -> None:
        wanted, self._wanted = self._wanted, {}
        if wanted and (here := {tp: offset for tp, offset in wanted.items() if tp in self.assignment()}):
            await self.seek_wait(here)

    async def _hand_over(
        self,
        records: Mapping[TP, Sequence[Record]],
        active: set[TP] | None,
        epochs: Mapping[TP, int],
        stopping: Callable[[], bool],
    ) -> None:
        generation = self.app.consumer_generation_id

        def outdated() -> bool:
            """Whether the partitions are being shared anew: the loop then begins at the stored offsets."""
            return (
                stopping()
                or not self.flow_active
                or self.app.rebalancing
                or bool(self.app.consumer_generation_id != generation)
            )

        while self._in_hand >= IN_HAND_MAX and not outdated():
            await self._wait_for_room()
        if outdated():
            return
        fetched = {
            tp: FetchEvent(epochs.get(tp, 0), batch)
            for tp, batch in records.items()
            if batch and (active is None or tp in active) and epochs.get(tp, 0) == self.epoch_of(tp)
        }
        if fetched:
            self._in_hand += 1
            await self.callback(_message(fetched, generation))

    async def _wait_for_room(self) -> None:
        self._room.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._room.wait(), ROOM_WAIT_S_MAX)


def _message(fetched: Fetched, generation: int) -> ConsumerMessage:
    tp, batch = next(iter(fetched.items()))  # Faust wants one; any of the topic leads to the agent
    return ConsumerMessage(
        topic=tp.topic,
        partition=tp.partition,
        offset=batch.records[-1].offset,
        timestamp=0.0,
        timestamp_type=0,
        headers=None,
        key=None,
        value=cast("bytes", fetched),  # no more than Faust's own codecs look into it, and ours does not
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        tp=tp,
        generation_id=generation,
    )


class Transport(driver.Transport):
    """Faust's aiokafka transport with the consumer above."""

    Consumer = Consumer


class _AsIs(Codec):
    """Lets a batch pass Faust's deserialization untouched."""

    def _loads(self, s: Any) -> Any:
        return s

    def _dumps(self, s: Any) -> Any:
        return s


def install() -> None:
    """Make the scheme and the codec known to Faust. Call once, before the app is made."""
    # The registry reads installed packages' transports first, and would overwrite what is added before.
    TRANSPORTS._maybe_finalize()
    TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"
    register(AS_IS, _AsIs())

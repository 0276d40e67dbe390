"""A Faust app, transport and consumer that start reading at the offsets stored beside the counts.

Each method that overrides Faust's says why Faust's method does not fit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import faust
from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP


class FetchApp(faust.App):
    """A Faust app whose consumer starts at offsets that are stored beside the counts."""

    stored_offsets: Callable[[], Awaitable[Mapping[int, int]]]
    """Reads, for each partition, the stored offset of the next record to read."""
    pause_s: float = 0.0
    """The least number of seconds between two fetches, so that the next fetch has more records."""

    def _create_directories(self) -> None:
        """Do nothing.

        Faust would create a folder for tables in the working directory; this app has no tables.
        """


class FetchConsumer(driver.Consumer):
    """A variant of Faust's aiokafka consumer that reads from the stored offsets."""

    app: FetchApp

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._fetched_at = 0.0
        self._sought_generation: int | None = None

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Fetch, but not before `pause_s` has passed since the last fetch.

        Drop a fetch from before the end of a rebalance, and seek again. Faust would deliver it to the agent's
        buffer, and could empty the buffer afterwards, without a seek.
        """
        now = asyncio.get_running_loop().time
        await asyncio.sleep(max(0.0, self._fetched_at + self.app.pause_s - now()))
        async for tp, message in super().getmany(timeout):
            if self.app.rebalancing or not self._has_sought():
                self._sought_generation = None
            else:
                self._fetched_at = now()
                yield tp, message
        if self.flow_active and not self._has_sought():
            await self.perform_seek()

    def _has_sought(self) -> bool:
        """Return whether the offsets were sought in this generation, and no fetch was dropped since."""
        return bool(self._sought_generation == self.app.consumer_generation_id)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the stored offsets of all assigned partitions, because this worker commits none to Kafka.

        The seek is given up while the database does not answer, because Faust would never fetch again if
        this method took longer than `broker_request_timeout`. No offsets are returned, because Faust would
        compare them with the numbers of fetches.
        """
        generation = self.app.consumer_generation_id
        # IllegalStateError: another rebalance began; Faust calls this method again after it.
        with suppress(IllegalStateError, TimeoutError):
            async with asyncio.timeout(self.app.conf.broker_request_timeout / 2):
                offsets = await self.app.stored_offsets()
                targets = {tp: offsets[tp.partition] for tp in self.assignment() if tp.partition in offsets}
                if targets:
                    await self.seek_wait(targets)
                self._sought_generation = generation
        return {}

    def on_buffer_full(self, tp: TP) -> None:
        """Do not pause the partition.

        Faust would pause the partition that a fetch is named after, and resume it once the agent has
        emptied its buffer. While other partitions are busy, that could take half a minute. The fetch loop
        waits for space in the buffer anyway.
        """

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing.

        Faust would check the progress of commits, but this worker makes none. `stall_watchdog` checks the
        progress instead.
        """


class Transport(driver.Transport):
    """A variant of Faust's aiokafka transport that uses `FetchConsumer`."""

    Consumer = FetchConsumer

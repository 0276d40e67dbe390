"""Seeks stalled partitions, and ends a worker that remains stalled.

Once a second it compares the worker's next offsets with the topic's end offsets. A worker is stalled if its
partitions have records that it does not process, or if it waits too long for partitions. A rebalance can
cause that without an error in Faust: records that were read are not delivered, or Faust stops fetching. For
the first a seek to the stored offset is enough; for the second the process must be restarted. The watchdog
asks the broker for the end offsets, because Faust's own state does not show a stall.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Final, Protocol

from aggregator.consumer.stall_detector import StallDetector
from aggregator.metrics import ASSIGNED, BEHIND
from aggregator.tallies.tally_store import TallyStore
from lifecycle.stop_signal import StopSignal
from telemetry.health import Progress
from telemetry.logs import get

log = get()

CHECK_EVERY_S: Final = 1.0
SEEK_AFTER_S: Final = 3.0
SEEK_S_MAX: Final = 5.0
"""A seek waits for Faust's thread, which may be what has stopped."""


class StalledError(RuntimeError):
    """The worker has stalled although records are available. The process must be restarted."""


class EndOffsets(Protocol):
    """Reads the end offsets of the topic's partitions."""

    async def end_offsets(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Return, per partition, the offset after its last record.

        Raises an error if the broker does not respond.
        """


class CheckedWorker(Protocol):
    """The part of a worker that the watchdog uses."""

    @property
    def storing(self) -> bool:
        """Whether a fetch is being stored, including any retries."""

    @property
    def next_offsets(self) -> Mapping[int, int]:
        """For each partition, the offset after the last record whose counting has begun."""

    def assigned(self) -> Collection[int]:
        """Return the partitions assigned to the worker."""

    async def seek(self, offsets: Mapping[int, int]) -> None:
        """Continue reading at these offsets, keyed by partition. Skips partitions that are not assigned."""


class StallWatchdog:
    """Checks whether one worker has stalled.

    A partition that stalls for SEEK_AFTER_S is sought to its stored offset, once per stall.
    """

    def __init__(
        self,
        worker: CheckedWorker,
        topic: EndOffsets,
        tallies: TallyStore,
        progress: Progress,
        stalled_s_max: float,
    ) -> None:
        self._worker = worker
        self._topic = topic
        self._tallies = tallies
        self._progress = progress
        self._stalled_s_max = stalled_s_max
        self._detector = StallDetector()
        self._sought: set[int] = set()
        """The stalled partitions that have been sought."""

    async def run(self, stopping: StopSignal) -> None:
        """Check once a second until `stopping` is set. Raises StalledError."""
        while not await stopping.wait(CHECK_EVERY_S):
            await self.check_once()

    async def check_once(self) -> None:
        """Compare the worker's next offsets with the end offsets.

        Raises StalledError if a partition stalls for more than `stalled_s_max` seconds.
        """
        if self._worker.storing:  # no stall: `store_retry` already limits the time of storing
            self._detector.reset()
            self._progress.beat()
            return
        try:
            next_offsets = await self._next_offsets()
            end_offsets = await self._topic.end_offsets(next_offsets.keys())
        except Exception as error:
            log.info("stall check failed", error=type(error).__name__)
            self._detector.reset()
            self._progress.beat()
            return
        ASSIGNED.set(len(self._worker.assigned()))
        BEHIND.set(
            sum(max(0, end_offsets.get(partition, 0) - offset) for partition, offset in next_offsets.items())
        )
        stalled_s = self._detector.observe(self._progress.clock(), next_offsets, end_offsets)
        if stalled := sorted(key for key, seconds in stalled_s.items() if seconds > self._stalled_s_max):
            raise StalledError(f"partitions {stalled} have records that are not processed")
        await self._seek_stalled(stalled_s)
        self._progress.beat()

    async def _seek_stalled(self, stalled_s: Mapping[int, float]) -> None:
        self._sought &= stalled_s.keys()
        late = {partition for partition, seconds in stalled_s.items() if seconds > SEEK_AFTER_S}
        new = (late & set(self._worker.assigned())) - self._sought
        if not new:
            return
        self._sought |= new
        try:
            async with asyncio.timeout(SEEK_S_MAX):
                positions = await self._tallies.positions()
                known = new & positions.keys()
                await self._worker.seek({partition: positions[partition].offset for partition in known})
        except Exception as error:  # the worker ends if the stall continues
            log.warning("seek after stall failed", partitions=sorted(new), error=type(error).__name__)
        else:
            log.warning("seek after stall", partitions=sorted(new))

    async def _next_offsets(self) -> dict[int, int]:
        """Return the worker's next offsets; if it has no partitions, the stored offsets of all partitions.

        If no worker counts a partition, its stored offset does not move. So the watchdog also finds a worker
        that should have partitions but never gets any.
        """
        assigned = self._worker.assigned()
        if assigned:
            return {partition: self._worker.next_offsets.get(partition, 0) for partition in assigned}
        positions = await self._tallies.positions()
        return {partition: position.offset for partition, position in positions.items()}

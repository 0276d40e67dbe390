"""Ends a stalled worker. Once a second it compares the worker's next offsets with the topic's end offsets.

After a rebalance Faust sometimes stops fetching without an error. A worker is stalled if its partitions have
records that it does not process, or if it waits too long for partitions. A stalled worker must be restarted.
The watchdog asks the broker for the end offsets, because Faust's own state does not show a stall.
"""

from __future__ import annotations

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


class StalledError(RuntimeError):
    """The worker has stalled although records are available. The process must be restarted."""


class EndOffsets(Protocol):
    """Reads the end offsets of the topic's partitions."""

    async def end_offsets(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Return, per partition, the offset after its last record.

        Raises an error if the broker does not respond.
        """


class CheckedWorker(Protocol):
    """The part of a worker's state that the watchdog reads."""

    @property
    def storing(self) -> bool:
        """Whether a fetch is being stored, including any retries."""

    @property
    def next_offsets(self) -> Mapping[int, int]:
        """For each partition, the offset after the last record whose counting has begun."""

    def assigned(self) -> Collection[int]:
        """Return the partitions assigned to the worker."""


class StallWatchdog:
    """Checks whether one worker has stalled."""

    def __init__(
        self,
        worker: CheckedWorker,
        topic: EndOffsets,
        tallies: TallyStore,
        detector: StallDetector,
        progress: Progress,
    ) -> None:
        self._worker = worker
        self._topic = topic
        self._tallies = tallies
        self._detector = detector
        self._progress = progress

    async def run(self, stopping: StopSignal) -> None:
        """Check once a second until `stopping` is set. Raises StalledError."""
        while not await stopping.wait(CHECK_EVERY_S):
            await self.check_once()

    async def check_once(self) -> None:
        """Compare the worker's next offsets with the end offsets.

        Raises StalledError if a partition stalls.
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
        stalled = self._detector.observe(self._progress.clock(), next_offsets, end_offsets)
        if stalled:
            raise StalledError(f"partitions {stalled} have records that are not processed")
        self._progress.beat()

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

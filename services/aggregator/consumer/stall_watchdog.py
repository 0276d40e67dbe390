"""Ends a worker that has stalled: compares its offsets with the broker's once a second.

After a rebalance Faust sometimes stops fetching without an error. A worker is stalled if its partitions have
records that it does not process, or if it waits too long for its partitions. It must then be restarted. The
broker's offsets decide, because Faust's own state does not show the stall.
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
    """The end of each partition of the topic."""

    async def end_offsets(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Return the offset after the last record per partition. Raises if the broker does not respond."""


class CheckedWorker(Protocol):
    """The state of a worker that the check reads."""

    @property
    def storing(self) -> bool:
        """Whether a batch is being stored, including its retries."""

    @property
    def next_offsets(self) -> Mapping[int, int]:
        """Per partition, the offset after the last record handed to counting."""

    def assigned(self) -> Collection[int]:
        """Return the partitions assigned to the worker."""


class StallWatchdog:
    """Checks one worker."""

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
        """Check once a second until the stop. Raises StalledError."""
        while not await stopping.wait(CHECK_EVERY_S):
            await self.check_once()

    async def check_once(self) -> None:
        """Compare the offsets. Raises StalledError if the worker has not moved for too long."""
        if self._worker.storing:  # retries have a limit of their own, in `store_retry`
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
        """Return the worker's next offsets; without assigned partitions, the stored offsets of all workers.

        The stored offsets reveal a worker that never gets partitions while no other worker counts them.
        """
        assigned = self._worker.assigned()
        if assigned:
            return {partition: self._worker.next_offsets.get(partition, 0) for partition in assigned}
        positions = await self._tallies.positions()
        return {partition: position.offset for partition, position in positions.items()}

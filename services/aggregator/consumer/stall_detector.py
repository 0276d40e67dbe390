"""Detects stalled partitions, whose next offset does not move although records are available.

This module does no I/O and reads no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class StallDetector:
    """Compares each observation of offsets with the one before; the caller passes the time."""

    _next_offsets: dict[int, int] = field(default_factory=dict)
    _stalled_since: dict[int, float] = field(default_factory=dict)

    def observe(
        self, now: float, next_offsets: Mapping[int, int], end_offsets: Mapping[int, int]
    ) -> dict[int, float]:
        """Return, per stalled partition, for how many seconds it has stalled.

        A partition stalls while its next offset is below its end offset and does not change. `now` is in
        seconds; the offsets are keyed by partition. A partition that is missing from `next_offsets` is
        forgotten: when it is observed again, its time starts from zero.
        """
        self._stalled_since = {
            partition: since for partition, since in self._stalled_since.items() if partition in next_offsets
        }
        for partition, next_offset in next_offsets.items():
            moved = self._next_offsets.get(partition) != next_offset
            if moved or next_offset >= end_offsets.get(partition, 0):
                self._stalled_since.pop(partition, None)
            else:
                self._stalled_since.setdefault(partition, now)
        self._next_offsets = dict(next_offsets)
        return {partition: now - since for partition, since in self._stalled_since.items()}

    def reset(self) -> None:
        """Restart the time of every partition.

        Call it while the worker waits for the broker or the database, because that is no stall.
        """
        self._stalled_since.clear()

"""Decides which partitions to rewind: those whose counted position stays below the published one.

Pure: it receives positions and times, and returns the rewinds. A rewind repairs every kind of loss (a lost
tail, a truncated topic, a failed batch), because the relay publishes again from the counted position. It
lowers the one published position, so there is never a second stream of events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

PATIENCE_S: Final = 10.0
PATIENCE_S_MAX: Final = 640.0
"""A position that does not move after many rewinds has a cause that sending again cannot repair."""
SILENCE_S: Final = 5.0
"""After a longer time without cuts the counted positions are unknown, so that time does not count."""


class Verdict(Enum):
    """The state of a partition's counted position."""

    COUNTED = "counted"  # every published event is counted
    MOVING = "moving"
    WAITING = "waiting"  # has not moved, but not for long enough to rewind
    REWIND = "rewind"


@dataclass(frozen=True, slots=True)
class PositionWatch:
    """A counted position, since when it has been below the published one, and how often it was rewound to."""

    position: int
    since_s: float
    rewinds: int = 0

    @property
    def patience_s(self) -> float:
        """How long the position may remain unchanged before the next rewind: 10 s, then 20, 40 … s."""
        return min(PATIENCE_S * 2.0**self.rewinds, PATIENCE_S_MAX)


def judge(
    watch: PositionWatch | None, position: int, published: int, now_s: float
) -> tuple[PositionWatch, Verdict]:
    """Judge the current position of a partition; return the new watch and the verdict."""
    if watch is None or position != watch.position:
        return PositionWatch(position, now_s), Verdict.MOVING
    if position >= published:
        # Keep the number of rewinds: just after a rewind the published position equals the counted one.
        return PositionWatch(position, now_s, watch.rewinds), Verdict.COUNTED
    if now_s - watch.since_s < watch.patience_s:
        return watch, Verdict.WAITING
    return PositionWatch(position, now_s, watch.rewinds + 1), Verdict.REWIND


@dataclass(frozen=True, slots=True)
class StallTracker:
    """The watches of all partitions, as of the last cut."""

    watches: Mapping[int, PositionWatch]
    observed_s: float

    @staticmethod
    def start(now_s: float) -> StallTracker:
        """The state before the first cut."""
        return StallTracker({}, now_s)

    def observe(
        self, positions: Sequence[int], published: Sequence[int], now_s: float
    ) -> tuple[StallTracker, list[tuple[int, int]]]:
        """Observe the positions of a cut; return the new state and (partition, position) of each rewind."""
        silent = now_s - self.observed_s > SILENCE_S
        watches: dict[int, PositionWatch] = {}
        rewinds: list[tuple[int, int]] = []
        for partition, (position, end) in enumerate(zip(positions, published, strict=True)):
            watch = self.watches.get(partition)
            if watch is not None and silent:
                watch = PositionWatch(watch.position, now_s, watch.rewinds)
            watches[partition], verdict = judge(watch, position, end, now_s)
            if verdict is Verdict.REWIND:
                rewinds.append((partition, position))
        return StallTracker(watches, now_s), rewinds

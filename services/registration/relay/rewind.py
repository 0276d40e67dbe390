"""Decides when counting stands still and must be sent its events again.

Pure: positions come in with the time they were heard, what to rewind comes out. Silence heals like this
whatever it came from (a lost tail, a truncated topic, a batch that failed), and what is sent again is the
one stream set back, never a second stream beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

PATIENCE_S: Final = 10.0
PATIENCE_S_MAX: Final = 640.0
"""What stands still after many rewinds is held up by something that sending again does not cure."""
SILENCE_S: Final = 5.0
"""Without cuts for so long nothing is known of the counting: the time does not count."""


class Verdict(Enum):
    """What a partition's counted position says."""

    COUNTED = "counted"  # nothing that was published is outstanding
    MOVING = "moving"
    WAITING = "waiting"  # stands still, but not for long enough
    REWIND = "rewind"


@dataclass(frozen=True, slots=True)
class Watch:
    """A position, since when it stands below what is published, and how often it was rewound to."""

    position: int
    since_s: float
    rewinds: int = 0

    @property
    def patience_s(self) -> float:
        """How long the position may stand still: 10 s, then 20, 40 … s."""
        return min(PATIENCE_S * 2.0**self.rewinds, PATIENCE_S_MAX)


def judge(watch: Watch | None, position: int, published: int, now_s: float) -> tuple[Watch, Verdict]:
    """Look at one partition once more; the watch to keep and the verdict."""
    if watch is None or position != watch.position:
        return Watch(position, now_s), Verdict.MOVING
    if position >= published:
        # Keeps the number of rewinds: just rewound, a partition looks like this for a moment.
        return Watch(position, now_s, watch.rewinds), Verdict.COUNTED
    if now_s - watch.since_s < watch.patience_s:
        return watch, Verdict.WAITING
    return Watch(position, now_s, watch.rewinds + 1), Verdict.REWIND


@dataclass(frozen=True, slots=True)
class StallTracker:
    """What is known of all partitions, as of the last cut heard."""

    watches: Mapping[int, Watch]
    heard_s: float

    @staticmethod
    def start(now_s: float) -> StallTracker:
        """Before the first cut."""
        return StallTracker({}, now_s)

    def heard(
        self, positions: Sequence[int], published: Sequence[int], now_s: float
    ) -> tuple[StallTracker, list[tuple[int, int]]]:
        """Take a cut's positions; the new state and the (partition, position) pairs to rewind to."""
        silent = now_s - self.heard_s > SILENCE_S
        watches: dict[int, Watch] = {}
        back: list[tuple[int, int]] = []
        for partition, (position, end) in enumerate(zip(positions, published, strict=True)):
            watch = self.watches.get(partition)
            if watch is not None and silent:
                watch = Watch(watch.position, now_s, watch.rewinds)
            watches[partition], verdict = judge(watch, position, end, now_s)
            if verdict is Verdict.REWIND:
                back.append((partition, position))
        return StallTracker(watches, now_s), back

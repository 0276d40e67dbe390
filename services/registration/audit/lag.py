"""How many accepted events are not counted yet, and for how long that has stood still.

Pure. Drift 0 with a lag that stands is a fault too: what is not counted is then exact, but not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lag:
    """Events not counted, and the longest time for which a partition that lags has not moved."""

    events: int
    standing_s: float


@dataclass(frozen=True, slots=True)
class Since:
    """A partition's counted position, and since when it stands there although there is more."""

    position: int
    since_s: float


def lag_of(
    known: Mapping[int, Since], positions: Sequence[int], last: Sequence[int], now_s: float
) -> tuple[dict[int, Since], Lag]:
    """Compare a cut's positions with the register's last sequences; what to remember, and the lag."""
    remembered: dict[int, Since] = {}
    events, standing_s = 0, 0.0
    for partition, (position, end) in enumerate(zip(positions, last, strict=True)):
        since = known.get(partition)
        if since is None or since.position != position or position >= end:
            since = Since(position, now_s)
        remembered[partition] = since
        events += max(0, end - position)
        standing_s = max(standing_s, now_s - since.since_s)
    return remembered, Lag(events, standing_s)

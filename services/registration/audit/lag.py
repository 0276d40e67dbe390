"""Measures the lag: the number of events not counted yet, and how long a lagging position has not moved.

A lagging position that does not move is a fault even if the drift is 0. The tallies are exact at their
positions, but do not include the later events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lag:
    """The number of events not counted yet, and the longest time that a lagging position has not moved."""

    events: int
    unmoved_s: float


@dataclass(frozen=True, slots=True)
class PositionSince:
    """A position, and since when it has not moved although the register has events above it.

    If the register has no events above it, `since_s` is the time of the last measurement.
    """

    position: int
    since_s: float


def measure_lag(
    known: Mapping[int, PositionSince], positions: Sequence[int], last: Sequence[int], now_s: float
) -> tuple[dict[int, PositionSince], Lag]:
    """Compare the positions of a cut with the register's last sequences.

    Returns a PositionSince for each partition, which the next call needs as `known`, and the lag.
    """
    positions_since: dict[int, PositionSince] = {}
    events, unmoved_s = 0, 0.0
    for partition, (position, end) in enumerate(zip(positions, last, strict=True)):
        since = known.get(partition)
        if since is None or since.position != position or position >= end:
            since = PositionSince(position, now_s)
        positions_since[partition] = since
        events += max(0, end - position)
        unmoved_s = max(unmoved_s, now_s - since.since_s)
    return positions_since, Lag(events, unmoved_s)

"""Computes the pace of registration, and forecasts when a threshold is reached.

The pace is the mean over the longest of three windows in which the rate did not change. The forecast is a
range that holds in four of five cases; it was tuned on simulated nights, and a test judges it on others. The
functions do no I/O and read no clock.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

WINDOWS_MINUTES: Final = (15, 5)
"""The windows, longest first. If the rate changed in both, the pace is that of the last minute."""
CHANGE_SIGMAS: Final = 2.0
"""The rate changed if the end of a window differs from the window by more standard deviations than this."""
WANDER: Final = 0.1
"""The relative standard deviation of the rate from minute to minute, besides the chance of arrivals."""
DRIFT_PER_SQRT_MINUTE: Final[Mapping[int, float]] = {15: 0.039, 5: 0.063}
"""By window, how far the logarithm of the rate wanders in a minute.

The distance grows with the square root of the time. A rate with a short window has changed minutes ago, and
is likely to change further.
"""
Z_80_PERCENT: Final = 1.2816
"""80 % of a normal distribution lie within this many standard deviations of its mean."""
FORECAST_MINUTES_MAX: Final = 30.0
"""Nothing is known about a crowd later than this: it may have gone home."""
FORECAST_GROWTH_MIN: Final = 20
LAST_MINUTE_GROWTH_MIN: Final = 4
"""A forecast needs this growth in its window, and in the last minute: none is made after a night."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The growth in the last `minutes` whole minutes."""

    minutes: int
    growth: int

    @property
    def per_minute(self) -> float:
        """The mean growth per minute."""
        return self.growth / self.minutes


@dataclass(frozen=True, slots=True)
class Forecast:
    """The range of times at which a threshold is reached, in four of five cases."""

    threshold: int
    begins: datetime
    ends: datetime


def pace_of(growth: Sequence[int]) -> Pace | None:
    """Return the pace; None without a minute. `growth` is that of successive minutes, the newest last."""
    if not growth:
        return None
    for window in WINDOWS_MINUTES:
        ends = (1, *(shorter for shorter in WINDOWS_MINUTES if shorter < window))
        if len(growth) >= window and all(_is_steady(growth[-window:], end) for end in ends):
            return Pace(window, sum(growth[-window:]))
    return Pace(1, growth[-1])


def forecast(growth: Sequence[int], count: int, threshold: int, now: datetime) -> Forecast | None:
    """Return when `count` will reach the threshold. `growth` is as for `pace_of`.

    None if that cannot be known: the rate changes, nearly nobody registers, or the threshold is too far away.
    """
    pace = pace_of(growth)
    if pace is None or pace.minutes == 1:
        return None
    if pace.growth < FORECAST_GROWTH_MIN or growth[-1] < LAST_MINUTE_GROWTH_MIN:
        return None
    missing = threshold - count
    minutes = missing / pace.per_minute
    if minutes > FORECAST_MINUTES_MAX:
        return None
    # The pace is known from `pace.growth` arrivals, `missing` more must come, and the rate wanders meanwhile.
    wander = DRIFT_PER_SQRT_MINUTE[pace.minutes] ** 2 * (minutes + pace.minutes / 2)
    deviation = math.sqrt(1 / pace.growth + 1 / missing + wander)
    factor = math.exp(Z_80_PERCENT * deviation)
    return Forecast(
        threshold, now + timedelta(minutes=minutes / factor), now + timedelta(minutes=minutes * factor)
    )


def _is_steady(growth: Sequence[int], end: int) -> bool:
    """Return whether the rate in the last `end` minutes is that of all minutes, allowing for chance."""
    mean = max(0.0, sum(growth) / len(growth))
    # One arrival is added, because a single registration in a quiet hour is no change.
    variance = (mean + 1 / end) / end + mean / len(growth) + (WANDER * mean) ** 2
    return abs(sum(growth[-end:]) / end - mean) <= CHANGE_SIGMAS * math.sqrt(variance)

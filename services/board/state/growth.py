"""The figures of growth beside a count: today, pace, next threshold and forecast, all of the shown cut.

Growth counts live participants. The pace and the chart are differences of kept cuts, so they end with a
minute, and name the cut that was kept at its end. The functions do no I/O and read no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from board.state.counts import BoardState
from board.state.day_growth import DayGrowth
from board.state.pace import WINDOWS_MINUTES, Forecast, Pace, forecast, pace_of
from board.state.registration_rate import MINUTE, RegistrationRate

MINUTES_SHOWN: Final = 60
"""The page shows the growth in each of the last MINUTES_SHOWN minutes."""


@dataclass(frozen=True, slots=True)
class GrowthFigures:
    """The figures of one scope and region at the shown cut; a figure that is not known is None.

    `pace_until` and `pace_cut` are the end of the pace's last minute, and the cut that was kept then.
    """

    stock: int
    today: int | None
    pace: Pace | None
    pace_until: datetime | None
    pace_cut: str | None
    next_threshold: int | None
    forecast: Forecast | None


@dataclass(frozen=True, slots=True)
class Chart:
    """The growth in each minute, the minutes that were counted late, and the cut kept after the last."""

    cut: str | None
    minutes: Sequence[tuple[datetime, int]]
    late: Sequence[datetime]


class Growth:
    """Computes the figures from the shown cut, the minutes and the start of the day.

    `now` returns the register's time.
    """

    def __init__(
        self,
        board_state: BoardState,
        registration_rate: RegistrationRate,
        day_growth: DayGrowth,
        now: Callable[[], datetime],
    ) -> None:
        self._board_state = board_state
        self._rate = registration_rate
        self._days = day_growth
        self._now = now

    def figures(self, scope: str, region: str) -> GrowthFigures:
        """Return the figures of a scope and region."""
        now, board_state = self._now(), self._board_state
        count, live = board_state.count(scope, region), board_state.live_count(scope, region)
        threshold = board_state.next_threshold(scope, region)
        recent = self._rate.recent(scope, region, now, max(WINDOWS_MINUTES))
        growth = [in_minute for _, in_minute in recent]
        last = recent[-1][0] if recent else None  # the pace's last minute
        return GrowthFigures(
            stock=count - live,
            today=self._days.today((scope, region), live, board_state.cuts.epoch, now),
            pace=pace_of(growth),
            pace_until=last + MINUTE if last else None,
            pace_cut=self._rate.cut_at(last) if last else None,
            next_threshold=threshold,
            forecast=None if threshold is None else forecast(growth, count, threshold, now),
        )

    def chart(self, scope: str, region: str, minutes: int) -> Chart:
        """Return the growth in each of the last `minutes` whole minutes."""
        series = self._rate.series(scope, region, self._now(), minutes)
        return Chart(self._rate.cut_at(series[-1][0]), series, self._rate.late_minutes(series))

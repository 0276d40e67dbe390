"""The pace follows changes of the rate at once, and forecasts hold as often as they say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board.state.pace import FORECAST_MINUTES_MAX, Pace, forecast, pace_of
from tests.support.samples.forecast_nights import TEST_SEEDS, TUNING_SEEDS, Night, simulated_night

NOW = datetime(2021, 10, 24, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("growth", "minutes"),
    [
        ([60] * 15, 15),
        ([0] * 10 + [60] * 5, 5),
        ([0] * 14 + [60], 1),
        ([60] * 14 + [0], 1),
        ([60] * 14 + [20], 1),
        ([60] * 4, 1),
        ([60] * 8, 5),
        ([0] * 14 + [1], 15),
    ],
)
def test_the_pace_is_that_of_the_longest_window_in_which_the_rate_did_not_change(
    growth: list[int], minutes: int
) -> None:
    assert pace_of(growth) == Pace(minutes, sum(growth[-minutes:]))


def test_without_a_known_minute_there_is_no_pace() -> None:
    assert pace_of([]) is None


def test_a_forecast_is_a_range_around_the_time_at_the_present_pace() -> None:
    found = forecast([60] * 15, 299_400, 300_000, NOW)

    assert found is not None
    assert found.threshold == 300_000
    assert found.begins < NOW + timedelta(minutes=10) < found.ends


@pytest.mark.parametrize(
    ("growth", "missing"),
    [
        ([60] * 14 + [0], 600),
        ([60] * 14 + [20], 600),
        ([60], 600),
        ([0] * 15, 600),
        ([3] * 15, 10),
        ([-60] * 15, 600),
        ([60] * 15, 60 * int(FORECAST_MINUTES_MAX) + 60),
    ],
    ids=["ended", "ending", "began", "nobody", "hardly anybody", "withdrawals", "too far"],
)
def test_there_is_no_forecast_where_it_cannot_be_known(growth: list[int], missing: int) -> None:
    assert forecast(growth, 0, missing, NOW) is None


@given(st.lists(st.integers(-50, 2_000), max_size=20), st.integers(1, 100_000))
def test_a_forecast_lies_in_the_future(growth: list[int], missing: int) -> None:
    found = forecast(growth, 0, missing, NOW)

    assert found is None or NOW < found.begins < found.ends < NOW + timedelta(hours=2)


Case = tuple[int, int, bool]
"""The minute of a forecast, the window of its pace, and whether it held."""


def forecasts_of(night: Night) -> Iterator[Case]:
    """Yield a case for each minute of the night that has a forecast."""
    for minute in range(2, len(night.minutes)):
        count = night.count_at(minute)
        threshold = (count // night.every + 1) * night.every
        at = NOW + timedelta(minutes=minute)
        growth = night.minutes[max(0, minute - 15) : minute]
        pace, found = pace_of(growth), forecast(growth, count, threshold, at)
        if found is not None and pace is not None:
            reached = night.reached_at(threshold)
            held = reached is not None and found.begins <= NOW + timedelta(minutes=reached) <= found.ends
            yield minute, pace.minutes, held


@pytest.mark.parametrize("seeds", [TUNING_SEEDS, TEST_SEEDS], ids=["tuning seeds", "test seeds"])
def test_the_range_holds_in_four_of_five_cases_and_no_ended_night_has_a_forecast(seeds: range) -> None:
    nights = [simulated_night(seed) for seed in seeds]

    cases = {night.seed: list(forecasts_of(night)) for night in nights}

    every = [case for found in cases.values() for case in found]
    for windows in ((15, 5), (15,), (5,)):
        held = [holds for _, window, holds in every if window in windows]
        assert len(held) > 3_000
        assert 0.75 <= sum(held) / len(held) <= 0.85
    assert not any(minute > night.ends_at for night in nights for minute, _, _ in cases[night.seed])

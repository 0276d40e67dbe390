"""Tests the growth per minute, the next threshold, and the forecast of when it is reached."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board.state.registration_rate import (
    FORECAST_MAX,
    MINUTE,
    MinuteRecord,
    RegistrationRate,
    decode_minute,
    forecast,
    next_threshold,
)
from cuts.records import UndecodableRecordError

NOW = datetime(2021, 10, 24, 12, 5, 30, tzinfo=UTC)


LAST = NOW.replace(second=0) - MINUTE


def rate_of(*growth: tuple[datetime, int], term: int = 1) -> RegistrationRate:
    rate = RegistrationRate()
    for at, count in growth:
        rate.add(MinuteRecord("all", at.replace(second=0), term, (("31", count),)))
    return rate


def test_the_series_ends_with_the_last_whole_minute_and_has_no_holes() -> None:
    rate = rate_of((LAST, -3), (LAST - 2 * MINUTE, 7))

    series = rate.series("all", "31", NOW, 3)

    assert [growth for _, growth in series] == [7, 0, -3]
    assert series[-1][0] == LAST


def test_while_the_last_minute_is_on_its_way_the_series_ends_with_the_minute_before() -> None:
    rate = rate_of((LAST - MINUTE, 7))

    assert rate.series("all", "31", NOW, 1) == [(LAST - MINUTE, 7)]
    assert rate.series("all", "31", NOW + MINUTE, 1) == [(LAST + MINUTE, 0)]


def test_minutes_that_were_counted_late_are_named() -> None:
    rate = rate_of((LAST - MINUTE, 1))
    rate.add(MinuteRecord("all", LAST, 1, (("31", 60),), late=True))

    assert rate.late_minutes(rate.series("all", "31", NOW, 5)) == [LAST]


def test_a_repeated_minute_replaces_the_earlier_one_unless_its_term_is_lower() -> None:
    rate = rate_of((LAST, 3), (LAST, 4), term=2)

    rate.add(MinuteRecord("all", LAST, 1, (("31", 99),)))

    assert rate.series("all", "31", NOW, 1)[0][1] == 4


def test_minutes_older_than_two_days_are_deleted() -> None:
    rate = rate_of((NOW - timedelta(hours=50), 5))

    rate.add(MinuteRecord("all", LAST, 1, (("31", 1),)))

    assert sum(growth for _, growth in rate.series("all", "31", NOW, 4000)) == 1


def test_the_pace_ignores_the_current_minute() -> None:
    rate = rate_of((NOW, 1000), (NOW - timedelta(minutes=1), 30))

    assert rate.per_minute("all", "31", NOW) == 2.0


@pytest.mark.parametrize(
    ("value", "target", "threshold"),
    [
        (281_812, 200_000, 300_000),
        (31_102, None, 40_000),
        (150_000, 200_000, 200_000),
        (200_000, 200_000, 300_000),
        (0, None, 10),
        (999_999, None, 1_000_000),
    ],
)
def test_the_next_threshold_is_the_target_or_a_round_number(
    value: int, target: int | None, threshold: int
) -> None:
    assert next_threshold(value, target) == threshold


@given(value=st.integers(0, 12_000_000), target=st.none() | st.integers(1, 12_000_000))
def test_the_next_threshold_is_above_the_count(value: int, target: int | None) -> None:
    assert next_threshold(value, target) > value


@given(per_minute=st.floats(-10, 1000), ahead=st.integers(1, 1_000_000))
def test_a_forecast_lies_in_the_future_within_a_year_or_is_none(per_minute: float, ahead: int) -> None:
    at = forecast(0, ahead, per_minute, NOW)

    assert at is None or NOW <= at <= NOW + FORECAST_MAX
    assert at is not None or per_minute <= 0 or ahead / per_minute > 366 * 24 * 60 - 1


def test_a_value_that_is_not_a_minute_is_undecodable() -> None:
    for value in (b"{}", b"\xff", b'{"scope":"all","minute":"2021-10-24","term":1,"rows":[]}'):
        with pytest.raises(UndecodableRecordError):
            decode_minute(value)

"""Tests how numbers, shares and times are written in each language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_datetime
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from localization.formats import (
    clock_of,
    date_of,
    dated_moment,
    duration,
    moment,
    number,
    share,
    signed,
    span,
)

EVENING = datetime(2021, 10, 24, 12, 5, 1, tzinfo=UTC)


def test_numbers_shares_and_times_are_written_as_in_indonesia() -> None:
    assert number(281_812, "id") == "281.812"
    assert signed(1_840, "id") == "+1.840"
    assert signed(-3, "id") == "−3"
    assert share(281_812, 200_000, 1, "id") == "140,9 %"
    assert (date_of(EVENING, "id"), clock_of(EVENING, "id")) == ("24 Oktober 2021", "19.05.01 WIB")


def test_numbers_shares_and_times_are_written_as_in_english() -> None:
    assert number(281_812, "en") == "281,812"
    assert share(281_812, 200_000, 1, "en") == "140.9%"
    assert clock_of(EVENING, "en") == "19:05:01 WIB"


def test_a_time_of_another_day_has_its_date() -> None:
    next_morning = datetime(2021, 10, 24, 17, 1, tzinfo=UTC)

    assert moment(EVENING, EVENING, "id") == "19.05 WIB"
    assert span(EVENING, EVENING + timedelta(minutes=9), "id") == "19.05–19.14 WIB"
    assert span(EVENING, EVENING + timedelta(seconds=40), "id") == "19.05–19.06 WIB"
    assert span(EVENING, EVENING + timedelta(seconds=20), "en") == "19:05 WIB"
    assert span(EVENING, next_morning, "en") == "19:05–25 October 2021, 00:01 WIB"
    assert moment(next_morning, EVENING, "id") == "25 Oktober 2021, 00.01 WIB"


@pytest.mark.parametrize(
    ("part", "text"), [(1.0, "100 %"), (0.999999, "99,99 %"), (0.0, "0 %"), (0.57, "57 %"), (-0.2, "0 %")]
)
def test_a_share_is_truncated_and_never_rounded_up(part: float, text: str) -> None:
    assert share(part, 1, 2, "id") == text


@given(part=st.integers(0, 500), whole=st.integers(1, 500))
def test_a_share_reads_100_percent_only_if_the_target_is_reached(part: int, whole: int) -> None:
    percent = float(share(part, whole, 1, "en").rstrip("%").replace(",", ""))

    assert (percent >= 100) == (part >= whole)


@pytest.mark.parametrize(("language", "locale"), [("id", "id_ID"), ("en", "en_GB")])
class TestUnicodeLocaleData:
    """The formats equal those of the Unicode Common Locale Data Repository, from Babel."""

    @given(value=st.integers(-(10**9), 10**9))
    def test_of_numbers(self, language: str, locale: str, value: int) -> None:
        assert number(value, language) == format_decimal(value, locale=locale)

    @given(time=st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the time zone
    def test_of_dates_and_times(self, language: str, locale: str, time: datetime) -> None:
        pattern = {"id": "d MMMM y HH.mm 'WIB'", "en": "d MMMM y, HH:mm 'WIB (UTC+7)'"}[language]

        assert dated_moment(time, language) == format_datetime(
            time, pattern, tzinfo=ZoneInfo("Asia/Jakarta"), locale=locale
        )


@pytest.mark.parametrize(
    ("seconds", "indonesian", "english"),
    [
        (0.0, "0 detik", "0 s"),
        (59.9, "59 detik", "59 s"),
        (60.0, "1 menit", "1 min"),
        (7_199.0, "1 jam", "1 h"),
        (200_000.0, "2 hari", "2 d"),
    ],
)
def test_a_duration_has_its_largest_whole_unit(seconds: float, indonesian: str, english: str) -> None:
    assert (duration(seconds, "id"), duration(seconds, "en")) == (indonesian, english)

"""Tests the growth per minute: its series, its repeats, and which minutes can be compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from board.state.registration_rate import MINUTE, KeptCut, MinuteRecord, RegistrationRate, decode_minute
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


def test_the_recent_minutes_end_with_the_last_and_are_all_known() -> None:
    rate = rate_of((LAST - 3 * MINUTE, 9), (LAST - MINUTE, 0), (LAST, 4), (LAST + MINUTE, 50))

    assert rate.recent("all", "31", NOW, 15) == [(LAST - MINUTE, 0), (LAST, 4)]
    assert rate.recent("all", "31", NOW + 9 * MINUTE, 15) == [], "no minute arrives any more"


def test_a_minute_that_was_counted_late_is_not_recent() -> None:
    rate = rate_of((LAST - 2 * MINUTE, 1))
    rate.add(MinuteRecord("all", LAST - MINUTE, 1, (("31", 600),), late=True))
    rate.add(MinuteRecord("all", LAST, 1, (("31", 3),)))

    assert rate.recent("all", "31", NOW, 15) == [(LAST, 3)]


def test_a_scope_without_growth_in_a_known_minute_has_grown_by_zero() -> None:
    rate = rate_of((LAST - MINUTE, 1), (LAST, 1))
    rate.add(MinuteRecord("campaign:fest", LAST, 1, (("31", 1),)))

    assert [n for _, n in rate.recent("campaign:fest", "31", NOW, 15)] == [0, 1]


def test_a_minute_names_the_cut_kept_at_its_end() -> None:
    rate = RegistrationRate()
    rate.add(MinuteRecord("all", LAST, 1, (), upto=KeptCut("7.4612")))

    assert (rate.cut_at(LAST), rate.cut_at(LAST - MINUTE)) == ("7.4612", None)


def test_a_value_that_is_not_a_minute_is_undecodable() -> None:
    for value in (b"{}", b"\xff", b'{"scope":"all","minute":"2021-10-24","term":1,"rows":[]}'):
        with pytest.raises(UndecodableRecordError):
            decode_minute(value)

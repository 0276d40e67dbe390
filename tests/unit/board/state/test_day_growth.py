"""Tests today's growth: the count of the shown cut minus the register's count at the start of the day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board.state.day_growth import DayGrowth, DayRecord, decode_day
from cuts.records import UndecodableRecordError
from localization.formats import JAKARTA

NOW = datetime(2021, 10, 24, 12, 5, 30, tzinfo=UTC)
TODAY = date(2021, 10, 24)


def start(count: int, day: date = TODAY, scope: str = "all", term: int = 1, epoch: int = 1) -> DayRecord:
    return DayRecord(scope, day, term, epoch, (("31", count),))


def growth_of(*records: DayRecord) -> DayGrowth:
    growth = DayGrowth()
    for record in records:
        growth.add(record)
    return growth


def test_today_is_the_count_minus_the_count_at_the_start_of_the_day() -> None:
    growth = growth_of(start(281_812))

    assert growth.today(("all", "31"), 281_912, 1, NOW) == 100
    assert growth.today(("all", "31"), 281_800, 1, NOW) == -12


def test_today_is_unknown_until_the_start_of_this_day_and_epoch_is_known() -> None:
    growth = growth_of(start(5, TODAY - timedelta(days=1)))
    assert growth.today(("all", "31"), 9, 1, NOW) is None

    growth.add(start(6))
    assert growth.today(("all", "31"), 9, 1, NOW) == 3
    assert growth.today(("all", "31"), 9, 2, NOW) is None


def test_a_day_begins_at_midnight_in_jakarta() -> None:
    growth = growth_of(start(5))

    assert growth.today(("all", "31"), 9, 1, datetime(2021, 10, 23, 16, 59, 59, tzinfo=UTC)) is None
    assert growth.today(("all", "31"), 9, 1, datetime(2021, 10, 23, 17, 0, tzinfo=UTC)) == 4


def test_a_scope_or_region_without_a_count_at_the_start_of_the_day_began_with_zero() -> None:
    growth = growth_of(start(7, TODAY - timedelta(days=1), "campaign:fest-2021"), start(5))

    assert growth.today(("campaign:fest-2021", "31"), 9, 1, NOW) == 9
    assert growth.today(("all", "31.71"), 3, 1, NOW) == 3


def test_a_late_record_of_a_lower_term_is_ignored() -> None:
    growth = growth_of(start(5, term=2), start(99, term=1))

    assert growth.today(("all", "31"), 9, 1, NOW) == 4


@given(
    registrations=st.lists(
        st.tuples(st.integers(-120, 120), st.integers(0, 120), st.sampled_from([1, -1])), max_size=8
    ),
    looked_at=st.integers(0, 240),
)
def test_an_outage_over_midnight_moves_no_registration_to_another_day(
    registrations: Sequence[tuple[int, int, int]], looked_at: int
) -> None:
    """Each change is accepted some minutes before or after midnight, and counted some minutes later."""
    midnight = datetime(2021, 10, 24, tzinfo=JAKARTA)
    at_midnight = sum(change for accepted, _, change in registrations if accepted < 0)
    growth = growth_of(start(at_midnight))

    count = sum(change for accepted, delay, change in registrations if accepted + delay <= looked_at)
    today = growth.today(("all", "31"), count, 1, midnight + timedelta(minutes=looked_at))

    uncounted = sum(
        change for accepted, delay, change in registrations if accepted <= looked_at < accepted + delay
    )
    accepted_today = sum(change for accepted, _, change in registrations if 0 <= accepted <= looked_at)
    assert today == accepted_today - uncounted


def test_a_value_that_is_not_a_start_of_a_day_is_undecodable() -> None:
    for value in (b"{}", b"\xff", b'{"scope":"all","day":"today","term":1,"epoch":1,"rows":[]}'):
        with pytest.raises(UndecodableRecordError):
            decode_day(value)

"""Which milestones the board lists, and which are news."""

from __future__ import annotations

from datetime import timedelta

import pytest

from board.state.milestones import KEPT_MAX, NEWS_MAX, Milestones, decode_crossing
from cuts.records import UndecodableRecordError
from tests.support.samples.boards import NOW, crossing


def test_the_newest_come_first_and_a_scope_lists_only_its_own() -> None:
    milestones = Milestones()
    milestones.take(crossing(10, 1, crossed_at=NOW - timedelta(hours=1)))
    milestones.take(crossing(20, 2))
    milestones.take(crossing(30, 3, scope="agency:ppkukm"))

    assert [kept.threshold for kept in milestones.newest("all", 5)] == [20, 10]
    assert len(milestones.newest(None, 5)) == 3


def test_a_retraction_replaces_its_crossing_and_a_repeat_is_no_news() -> None:
    milestones = Milestones()
    milestones.take(crossing(10, 1))

    repeated = milestones.take(crossing(10, 1))
    retracted = milestones.take(crossing(10, 2, state="retracted"))

    assert (repeated, retracted) == (False, True)
    assert [kept.state for kept in milestones.newest("all", 5)] == ["retracted"]
    assert [kept.sequence for kept in milestones.news_since(1, "all")] == [2]


def test_news_of_a_scope_outlast_any_number_from_another() -> None:
    milestones = Milestones()
    milestones.take(crossing(10, 1))
    for n in range(100, 100 + 2 * NEWS_MAX):
        milestones.take(crossing(n, n, scope="campaign:fest"))

    assert [told.threshold for told in milestones.news_since(0, "all")] == [10]
    told = [told.threshold for told in milestones.news_since(0, "campaign:fest")]
    assert told == list(range(100 + NEWS_MAX, 100 + 2 * NEWS_MAX))


def test_only_so_many_are_kept_and_the_oldest_go() -> None:
    milestones = Milestones()
    for n in range(KEPT_MAX + 1):
        milestones.take(crossing(n, n, crossed_at=NOW + timedelta(seconds=n)))

    kept = milestones.newest("all", KEPT_MAX + 10)

    assert len(kept) == KEPT_MAX
    assert kept[-1].threshold == 1
    assert not milestones.take(crossing(0, 0))


def test_a_value_that_is_no_crossing_says_so() -> None:
    for value in (b"{}", b"\xff", b"[1]"):
        with pytest.raises(UndecodableRecordError):
            decode_crossing(value)

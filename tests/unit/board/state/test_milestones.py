"""Tests which milestones the board lists, and which milestones it sends to connected viewers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from board.state.milestones import KEPT_MAX, SENT_MAX, Milestones, decode_milestone
from cuts.records import UndecodableRecordError
from tests.support.samples.board_fixture import NOW, crossing


def test_the_newest_come_first_and_a_scope_lists_only_its_own() -> None:
    milestones = Milestones()
    milestones.add(crossing(10, 1, crossed_at=NOW - timedelta(hours=1)))
    milestones.add(crossing(20, 2))
    milestones.add(crossing(30, 3, scope="agency:ppkukm"))

    assert [kept.threshold for kept in milestones.newest("all", 5)] == [20, 10]
    assert len(milestones.newest(None, 5)) == 3


def test_a_retraction_replaces_its_crossing_and_a_repeat_changes_nothing() -> None:
    milestones = Milestones()
    milestones.add(crossing(10, 1))

    repeated = milestones.add(crossing(10, 1))
    retracted = milestones.add(crossing(10, 2, state="retracted"))

    assert (repeated, retracted) == (False, True)
    assert [kept.state for kept in milestones.newest("all", 5)] == ["retracted"]
    assert [kept.sequence for kept in milestones.arrived_since(1, "all")] == [2]


def test_milestones_of_one_scope_do_not_displace_those_of_another() -> None:
    milestones = Milestones()
    milestones.add(crossing(10, 1))
    for n in range(100, 100 + 2 * SENT_MAX):
        milestones.add(crossing(n, n, scope="campaign:fest"))

    assert [crossed.threshold for crossed in milestones.arrived_since(0, "all")] == [10]
    thresholds = [crossed.threshold for crossed in milestones.arrived_since(0, "campaign:fest")]
    assert thresholds == list(range(100 + SENT_MAX, 100 + 2 * SENT_MAX))


def test_the_oldest_milestones_beyond_the_limit_are_dropped() -> None:
    milestones = Milestones()
    for n in range(KEPT_MAX + 1):
        milestones.add(crossing(n, n, crossed_at=NOW + timedelta(seconds=n)))

    kept = milestones.newest("all", KEPT_MAX + 10)

    assert len(kept) == KEPT_MAX
    assert kept[-1].threshold == 1
    assert not milestones.add(crossing(0, 0))


def test_a_value_that_is_not_a_crossing_is_undecodable() -> None:
    for value in (b"{}", b"\xff", b"[1]"):
        with pytest.raises(UndecodableRecordError):
            decode_milestone(value)

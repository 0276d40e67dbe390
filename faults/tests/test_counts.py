"""Invariants 3 and 5 hold for a true board, and break where one count or one message is off."""

from __future__ import annotations

from typing import Any

import pytest

from faults.invariant_result import Finding
from faults.invariants.counts import Cell, Truth, check_counts, check_stream
from faults.recovery_probe import Seen
from faults.tests.evidence_samples import ELSEWHERE, KELURAHAN, cut, event, stored, topic

VALUES = {
    0: [event(0, 1), event(0, 2, after=ELSEWHERE), event(0, 3, before=ELSEWHERE, after=KELURAHAN)],
    1: [event(1, 1)],
}
TRUTH = Truth(VALUES)


def _counts(*regions: str) -> dict[Cell, int]:
    """The cells of people registered in these kelurahan, one each."""
    found: dict[Cell, int] = {}
    for region in regions:
        for length in (2, 5, 8, 13):
            cell = ("all", region[:length], "registered")
            found[cell] = found.get(cell, 0) + 1
    return found


FIRST = cut(1, (0, 0), {})
SECOND = cut(2, (2, 0), _counts(KELURAHAN, ELSEWHERE), base=1)
MOVED = dict.fromkeys(_counts(ELSEWHERE), 0) | _counts(KELURAHAN, KELURAHAN, KELURAHAN)
THIRD = cut(3, (3, 1), MOVED, base=2)


def _check(*records: str, **changed: Any) -> Finding:
    finding, _ = check_counts(stored(VALUES, **changed), TRUTH, topic(*records))
    return finding


def test_cuts_that_are_the_truth_at_their_positions_hold() -> None:
    assert _check(FIRST, SECOND, THIRD).holds


def test_the_highest_count_of_any_cut_is_kept() -> None:
    _, highest = check_counts(stored(VALUES), TRUTH, topic(FIRST, SECOND, THIRD))

    assert highest["all", ELSEWHERE, "registered"] == 1
    assert highest["all", "31", "registered"] == 3


def test_a_full_cut_in_parts_is_shown_whole() -> None:
    parts = [
        cut(4, (3, 1), {cell: count}).replace("}", f', "part": {part}, "parts": {len(MOVED)}}}')
        for part, (cell, count) in enumerate(MOVED.items())
    ]

    assert _check(FIRST, *parts).holds
    assert not _check(FIRST, *parts[:-1]).holds


@pytest.mark.parametrize("by", [-1, 1])
def test_a_tally_that_differs_from_the_register_breaks_it(by: int) -> None:
    tallies = dict(stored(VALUES).tallies)
    tallies["all", "31.71", "registered"] += by

    assert not _check(FIRST, SECOND, THIRD, tallies=tallies).holds


def test_a_tally_of_nobody_breaks_it() -> None:
    tallies = stored(VALUES).tallies | {("all", "31.99", "registered"): 1}

    assert not _check(FIRST, SECOND, THIRD, tallies=tallies).holds


def test_a_cut_above_the_truth_breaks_it_though_the_last_is_right() -> None:
    early = cut(2, (1, 0), _counts(KELURAHAN, ELSEWHERE), base=1)

    finding = _check(FIRST, early, THIRD)

    assert finding.violations[0] == "cut (1, 2): 31 is 2, the truth is 1"


def test_a_parent_that_is_not_the_sum_of_its_parts_breaks_it() -> None:
    torn = dict(_counts(KELURAHAN, ELSEWHERE)) | {("all", KELURAHAN[:8], "registered"): 2}

    finding = _check(FIRST, cut(2, (2, 0), torn, base=1), THIRD)

    assert any("not the sum" in text for text in finding.violations)


def test_a_last_cut_behind_the_register_breaks_it() -> None:
    assert not _check(FIRST, SECOND).holds


def test_a_quarantined_event_breaks_it() -> None:
    assert not _check(FIRST, SECOND, THIRD, quarantined=1).holds


def test_records_of_an_old_term_or_on_another_base_are_not_shown() -> None:
    late = cut(9, (0, 0), {("all", "31", "registered"): 99}, term=0, base=8)
    astray = cut(9, (0, 0), {("all", "31", "registered"): 99}, base=8)

    finding = _check(FIRST, SECOND, late, astray, THIRD)

    assert finding.holds
    assert finding.notes == ["3 cuts shown, 2 records of old terms or bases ignored"]


def _stream(*seen: tuple[int, int, int | None]) -> Finding:
    return check_stream([Seen("board", *one) for one in seen], 1, TRUTH)


def test_a_stream_that_goes_on_and_ends_at_the_truth_holds() -> None:
    assert _stream((1, 1, 0), (1, 2, 2), (1, 2, 2), (2, 1, 2), (2, 4, 3)).holds


@pytest.mark.parametrize("back", [(1, 1, 3), (0, 9, 3)], ids=["a lower cut", "a former term"])
def test_a_stream_that_goes_back_breaks_it(back: tuple[int, int, int]) -> None:
    assert not _stream((1, 2, 2), back, (1, 3, 3)).holds


@pytest.mark.parametrize("end", [2, 4])
def test_a_stream_that_ends_elsewhere_breaks_it(end: int) -> None:
    assert not _stream((1, 2, 2), (1, 3, end)).holds


def test_a_stream_that_told_nothing_breaks_it() -> None:
    assert not _stream().holds
    assert not _stream((1, 2, None)).holds

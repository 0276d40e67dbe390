"""Invariant 3 holds for cuts and tallies that equal the register; a single wrong count violates it."""

from __future__ import annotations

from typing import Any

import pytest

from faults.invariant_result import InvariantResult
from faults.invariants.counts import ExpectedCounts, check_counts
from faults.invariants.independent_cut_reader import Cell
from faults.tests.evidence_samples import KELURAHAN, OTHER_KELURAHAN, cut, database, event, topic

VALUES = {
    0: [
        event(0, 1),
        event(0, 2, after=OTHER_KELURAHAN),
        event(0, 3, before=OTHER_KELURAHAN, after=KELURAHAN),
    ],
    1: [event(1, 1)],
}
EXPECTED = ExpectedCounts(VALUES)


def _counts(*regions: str) -> dict[Cell, int]:
    """Return the tallies of a register with one participant in each of these kelurahan."""
    found: dict[Cell, int] = {}
    for region in regions:
        for length in (2, 5, 8, 13):
            cell = ("all", region[:length], "registered")
            found[cell] = found.get(cell, 0) + 1
    return found


FIRST = cut(1, (0, 0), {})
SECOND = cut(2, (2, 0), _counts(KELURAHAN, OTHER_KELURAHAN), base=1)
MOVED = dict.fromkeys(_counts(OTHER_KELURAHAN), 0) | _counts(KELURAHAN, KELURAHAN, KELURAHAN)
THIRD = cut(3, (3, 1), MOVED, base=2)


def _check(*records: str, **changed: Any) -> InvariantResult:
    result, _ = check_counts(database(VALUES, **changed), EXPECTED, topic(*records))
    return result


def test_cuts_that_equal_the_register_at_their_positions_pass() -> None:
    assert _check(FIRST, SECOND, THIRD).holds


def test_the_highest_count_of_any_cut_is_returned() -> None:
    _, cuts = check_counts(database(VALUES), EXPECTED, topic(FIRST, SECOND, THIRD))

    assert cuts.highest["all", OTHER_KELURAHAN, "registered"] == 1
    assert cuts.highest["all", "31", "registered"] == 3


def test_a_full_is_applied_only_with_all_its_parts() -> None:
    parts = [
        cut(4, (3, 1), {cell: count}).replace("}", f', "part": {part}, "parts": {len(MOVED)}}}')
        for part, (cell, count) in enumerate(MOVED.items())
    ]

    assert _check(FIRST, *parts).holds
    assert not _check(FIRST, *parts[:-1]).holds


@pytest.mark.parametrize("by", [-1, 1])
def test_a_tally_that_differs_from_the_register_is_a_violation(by: int) -> None:
    tallies = dict(database(VALUES).tallies)
    tallies["all", "31.71", "registered"] += by

    assert not _check(FIRST, SECOND, THIRD, tallies=tallies).holds


def test_a_tally_without_participants_is_a_violation() -> None:
    tallies = database(VALUES).tallies | {("all", "31.99", "registered"): 1}

    assert not _check(FIRST, SECOND, THIRD, tallies=tallies).holds


def test_a_wrong_cut_is_a_violation_even_if_the_last_cut_is_correct() -> None:
    early = cut(2, (1, 0), _counts(KELURAHAN, OTHER_KELURAHAN), base=1)

    result = _check(FIRST, early, THIRD)

    assert result.violations[0] == "cut 1.2: region 31 is 2, must be 1"


def test_a_total_that_is_not_the_sum_of_its_parts_is_a_violation() -> None:
    inconsistent = dict(_counts(KELURAHAN, OTHER_KELURAHAN)) | {("all", KELURAHAN[:8], "registered"): 2}

    result = _check(FIRST, cut(2, (2, 0), inconsistent, base=1), THIRD)

    assert any("not the sum" in text for text in result.violations)


def test_a_cut_with_lower_positions_than_the_cut_before_is_a_violation() -> None:
    result = _check(FIRST, SECOND, cut(1, (0, 0), {}, term=2), cut(2, (3, 1), MOVED, term=2, base=1))

    assert result.violations == ["cut 2.1: its positions (0, 0) are below (2, 0)"]


def test_a_cut_that_names_its_quarantined_events_does_not_count_them() -> None:
    named = SECOND.replace('"rows"', '"quarantined_ranges": [[0, 1, 1]], "rows"')
    without = cut(2, (2, 0), _counts(OTHER_KELURAHAN), base=1)
    applied = cut(3, (2, 0), _counts(KELURAHAN, OTHER_KELURAHAN))
    last = cut(4, (3, 1), MOVED, base=3)

    assert _check(
        FIRST, without.replace('"rows"', '"quarantined_ranges": [[0, 1, 1]], "rows"'), applied, last
    ).holds
    assert not _check(FIRST, named, applied, last).holds
    assert not _check(FIRST, without, applied, last).holds


def test_the_pauses_between_full_records_of_the_same_counts_are_noted() -> None:
    again = cut(3, (3, 1), _counts(KELURAHAN, KELURAHAN, KELURAHAN), as_of="2021-10-24T12:01:04Z")

    _, cuts = check_counts(database(VALUES), EXPECTED, topic(FIRST, SECOND, THIRD, again))

    assert cuts.full_pauses_s == [64.0]


def test_a_last_cut_behind_the_register_is_a_violation() -> None:
    assert not _check(FIRST, SECOND).holds


def test_a_quarantined_event_is_a_violation() -> None:
    assert not _check(FIRST, SECOND, THIRD, quarantined=1).holds


def test_records_of_an_old_term_or_another_base_are_ignored() -> None:
    old_term = cut(9, (0, 0), {("all", "31", "registered"): 99}, term=0, base=8)
    other_base = cut(9, (0, 0), {("all", "31", "registered"): 99}, base=8)

    result = _check(FIRST, SECOND, old_term, other_base, THIRD)

    assert result.holds
    assert result.notes == ["3 cuts applied, 2 records of old terms or bases ignored"]

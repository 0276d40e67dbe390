"""Invariant 5 holds if no cut is older than the one before and the last count is correct."""

from __future__ import annotations

import pytest

from faults.invariant_result import InvariantResult
from faults.invariants.counts import ExpectedCounts
from faults.invariants.stream import check_stream
from faults.observation.stream_viewer import StreamMessage
from faults.tests.evidence_samples import KELURAHAN, OTHER_KELURAHAN, event

VALUES = {
    0: [
        event(0, 1),
        event(0, 2, after=OTHER_KELURAHAN),
        event(0, 3, before=OTHER_KELURAHAN, after=KELURAHAN),
    ],
    1: [event(1, 1)],
}
EXPECTED = ExpectedCounts(VALUES)


def _stream(*messages: tuple[int, int, int | None]) -> InvariantResult:
    return check_stream([StreamMessage("board", *message) for message in messages], 1, EXPECTED)


def test_increasing_cuts_that_end_with_the_correct_count_pass() -> None:
    assert _stream((1, 1, 0), (1, 2, 2), (1, 2, 2), (2, 1, 2), (2, 4, 3)).holds


@pytest.mark.parametrize("older", [(1, 1, 3), (0, 9, 3)], ids=["a lower cut", "a former term"])
def test_an_older_cut_is_a_violation(older: tuple[int, int, int]) -> None:
    assert not _stream((1, 2, 2), older, (1, 3, 3)).holds


@pytest.mark.parametrize("end", [2, 4])
def test_a_wrong_last_count_is_a_violation(end: int) -> None:
    assert not _stream((1, 2, 2), (1, 3, end)).holds


def test_a_stream_without_counts_is_a_violation() -> None:
    assert not _stream().holds
    assert not _stream((1, 2, None)).holds

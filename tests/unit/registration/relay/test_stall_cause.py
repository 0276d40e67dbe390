"""Tests which events a stalled partition gets again, and that workers can then count all events."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.relay.stall_cause import (
    PROBE_AT_STALL,
    InspectedPartition,
    Stall,
    StallCause,
    first_offset_read,
    rewind_target,
    stall_cause,
)

UNREAD, NEXT_MISSING, TAIL_MISSING = StallCause


@pytest.mark.parametrize(
    ("inspected", "number", "cause", "target"),
    [
        pytest.param(InspectedPartition(True, 9), 1, UNREAD, 9, id="nobody has read the events: no copy"),
        pytest.param(InspectedPartition(True, 9), PROBE_AT_STALL, UNREAD, 8, id="long stall: one event"),
        pytest.param(InspectedPartition(True, 7), 1, TAIL_MISSING, 7, id="lost tail: only the lost events"),
        pytest.param(InspectedPartition(False, 9), 1, NEXT_MISSING, 5, id="gap: all events that follow it"),
        pytest.param(
            InspectedPartition(False, 0), 1, NEXT_MISSING, 5, id="empty topic: all uncounted events"
        ),
    ],
)
def test_only_missing_events_are_sent_again(
    inspected: InspectedPartition, number: int, cause: StallCause, target: int
) -> None:
    stall = Stall(0, 5, 9, number, 70)

    assert (stall_cause(stall, inspected), rewind_target(stall, inspected)) == (cause, target)


@pytest.mark.parametrize(
    ("first", "end", "read_from"),
    [(0, 99, 70), (70, 70, 70), (80, 99, 80), (0, 60, 0)],
)
def test_a_worker_whose_offset_is_gone_reads_from_the_first_retained_record(
    first: int, end: int, read_from: int
) -> None:
    assert first_offset_read(Stall(0, 5, 9, 1, 70), first, end) == read_from


@given(log=st.permutations([1, 2, 3, 4]), retained=st.integers(0, 4), position=st.integers(0, 3))
def test_workers_can_count_every_event_after_at_most_two_rewinds(
    log: Sequence[int], retained: int, position: int
) -> None:
    """The topic has the first `retained` records of `log`, in any order. Workers read it from its start."""
    published, held, rewinds = 4, list(log[:retained]), 0

    while (position := _counted(held, position)) < published:
        inspected = InspectedPartition(position + 1 in held, max(held, default=0))
        held += range(rewind_target(Stall(0, position, published, 1, 0), inspected) + 1, published + 1)
        rewinds += 1
        assert rewinds <= 2


def _counted(log: Sequence[int], position: int) -> int:
    """Return the position after reading the log repeatedly from its start, as a worker does at a gap."""
    while position + 1 in log:
        position += 1
    return position

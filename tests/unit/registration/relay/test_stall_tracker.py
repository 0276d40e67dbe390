"""Tests in which cases, and after which time, a partition stalls."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registration.relay.stall_tracker import PATIENCE_S, SILENCE_S, StallTracker, Verdict, judge


def _stalls(observations: list[tuple[float, int, int]]) -> list[tuple[float, int]]:
    """Return (time, position) of each stall of a partition.

    `observations` has (time, counted position, published position) for each cut.
    """
    tracker = StallTracker.start(0.0)
    found = []
    for now_s, position, published in observations:
        tracker, stalled = tracker.observe([position], [published], now_s)
        found += [(now_s, at) for _, at, _ in stalled]
    return found


def test_a_position_below_the_published_one_stalls_after_10_then_20_then_40_seconds() -> None:
    assert _stalls([(float(t), 5, 9) for t in range(80)]) == [(10.0, 5), (30.0, 5), (70.0, 5)]


def test_a_position_that_moves_does_not_stall() -> None:
    assert _stalls([(float(t), t, 100) for t in range(60)]) == []


def test_a_position_equal_to_the_published_one_does_not_stall() -> None:
    assert _stalls([(float(t), 9, 9) for t in range(60)]) == []


def test_time_with_all_published_events_counted_does_not_count() -> None:
    observations = [(float(t), 9, 9) for t in range(60)] + [(60.0 + t, 9, 10) for t in range(9)]

    assert _stalls(observations) == []


def test_time_without_cuts_does_not_count() -> None:
    assert _stalls([(0.0, 5, 9), (1.0, 5, 9), (30.0, 5, 9), (31.0, 5, 9)]) == []


def test_just_after_a_rewind_the_next_wait_is_still_doubled() -> None:
    observations = (
        [(float(t), 5, 9) for t in range(11)] + [(10.5, 5, 5)] + [(float(t), 5, 9) for t in range(11, 35)]
    )

    assert _stalls(observations) == [(10.0, 5), (31.0, 5)]


def test_a_position_that_has_moved_stalls_after_10_seconds_again() -> None:
    observations = [(float(t), 5, 9) for t in range(11)] + [(11.0 + t, 6, 9) for t in range(11)]

    assert _stalls(observations) == [(10.0, 5), (21.0, 6)]


@given(
    st.lists(
        st.tuples(st.sampled_from([0.5, 1.0, 4.0, 6.0]), st.integers(0, 2), st.integers(0, 2)), max_size=60
    )
)
def test_a_stall_needs_ten_seconds_of_cuts_with_the_same_lower_position(
    steps: list[tuple[float, int, int]],
) -> None:
    tracker, now_s = StallTracker.start(0.0), 0.0
    unmoved: tuple[int, float] | None = None
    for pause_s, position, published in steps:
        now_s += pause_s
        if unmoved is None or unmoved[0] != position or pause_s > SILENCE_S or position >= published:
            unmoved = (position, now_s)

        tracker, stalled = tracker.observe([position], [published], now_s)

        if stalled:
            assert [stall[:2] for stall in stalled] == [(0, position)]
            assert position < published
            assert now_s - unmoved[1] >= PATIENCE_S
            unmoved = (position, now_s)


def test_judge_returns_each_verdict() -> None:
    watch, first = judge(None, 5, 9, 0.0)
    _, waiting = judge(watch, 5, 9, 9.9)
    _, counted = judge(watch, 5, 5, 9.9)
    _, stalled = judge(watch, 5, 9, 10.0)

    assert (first, waiting, counted, stalled) == (
        Verdict.MOVING,
        Verdict.WAITING,
        Verdict.COUNTED,
        Verdict.STALLED,
    )

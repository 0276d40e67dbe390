"""When a partition counts as stalled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aggregator.consumer.stall_detector import StallDetector


def test_records_that_are_not_processed_for_too_long_are_a_stall() -> None:
    detector = StallDetector(seconds_max=15)

    stalled = [detector.observe(now, {3: 100}, {3: 200}) for now in (0.0, 1.0, 16.0, 17.0)]

    assert stalled == [[], [], [], [3]]


def test_a_partition_that_moves_is_never_stalled() -> None:
    detector = StallDetector(seconds_max=15)

    assert not any(detector.observe(now, {3: now}, {3: 1_000}) for now in range(0, 100, 10))


def test_a_partition_without_new_records_is_never_stalled() -> None:
    detector = StallDetector(seconds_max=15)

    assert not any(detector.observe(now, {3: 100}, {3: 100}) for now in range(0, 100, 10))


def test_a_revoked_partition_is_forgotten() -> None:
    detector = StallDetector(seconds_max=15)
    detector.observe(0, {3: 100}, {3: 200})
    detector.observe(1, {3: 100}, {3: 200})
    detector.observe(2, {}, {})

    assert detector.observe(20, {3: 100}, {3: 200}) == []


def test_a_reset_restarts_the_time() -> None:
    detector = StallDetector(seconds_max=15)
    detector.observe(0, {3: 100}, {3: 200})
    detector.observe(1, {3: 100}, {3: 200})
    detector.reset()

    assert detector.observe(20, {3: 100}, {3: 200}) == []


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_a_stall_needs_seconds_without_a_move_below_the_end(next_offsets: list[int]) -> None:
    detector = StallDetector(seconds_max=5)

    for now, next_offset in enumerate(next_offsets):
        stalled = detector.observe(now, {0: next_offset}, {0: 3})

        recent = next_offsets[max(0, now - 5) : now + 1]
        if stalled:
            assert set(recent) == {next_offset}
            assert next_offset < 3

"""When a partition counts as stalled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aggregator.consumer.stall_detector import StallDetector


def test_a_partition_stalls_from_the_first_observation_without_a_move() -> None:
    detector = StallDetector()

    stalled_s = [detector.observe(now, {3: 100}, {3: 200}) for now in (0.0, 1.0, 16.0)]

    assert stalled_s == [{}, {3: 0.0}, {3: 15.0}]


def test_a_partition_that_moves_is_never_stalled() -> None:
    detector = StallDetector()

    assert not any(detector.observe(now, {3: now}, {3: 1_000}) for now in range(0, 100, 10))


def test_a_partition_without_new_records_is_never_stalled() -> None:
    detector = StallDetector()

    assert not any(detector.observe(now, {3: 100}, {3: 100}) for now in range(0, 100, 10))


def test_a_revoked_partition_is_forgotten() -> None:
    detector = StallDetector()
    detector.observe(0, {3: 100}, {3: 200})
    detector.observe(1, {3: 100}, {3: 200})
    detector.observe(2, {}, {})

    assert detector.observe(20, {3: 100}, {3: 200}) == {}


def test_a_reset_restarts_the_time() -> None:
    detector = StallDetector()
    detector.observe(0, {3: 100}, {3: 200})
    detector.observe(1, {3: 100}, {3: 200})
    detector.reset()

    assert detector.observe(20, {3: 100}, {3: 200}) == {3: 0.0}


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_a_stall_lasts_since_the_last_move_below_the_end(next_offsets: list[int]) -> None:
    detector = StallDetector()

    for now, next_offset in enumerate(next_offsets):
        stalled_s = detector.observe(now, {0: next_offset}, {0: 3})

        unmoved = next((n for n in range(now, -1, -1) if next_offsets[n] != next_offset), -1) + 1
        is_stalled = next_offset < 3 and now > unmoved
        assert stalled_s == ({0: now - unmoved - 1} if is_stalled else {})

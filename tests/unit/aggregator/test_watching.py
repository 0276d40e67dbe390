"""When a worker counts as standing still."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aggregator.watching import Stall


def test_records_that_are_not_taken_for_too_long_are_a_stall() -> None:
    stall = Stall(seconds_max=15)
    looks = [stall.look(now, {3: 100}, {3: 200}) for now in (0.0, 1.0, 16.0, 17.0)]

    assert looks == [[], [], [], [3]]


def test_a_worker_that_takes_is_never_stalled() -> None:
    stall = Stall(seconds_max=15)

    assert not any(stall.look(now, {3: now}, {3: 1_000}) for now in range(0, 100, 10))


def test_a_worker_with_nothing_to_take_is_never_stalled() -> None:
    stall = Stall(seconds_max=15)

    assert not any(stall.look(now, {3: 100}, {3: 100}) for now in range(0, 100, 10))


def test_a_partition_given_away_is_judged_no_more() -> None:
    stall = Stall(seconds_max=15)
    stall.look(0, {3: 100}, {3: 200})
    stall.look(1, {3: 100}, {3: 200})
    stall.look(2, {}, {})

    assert stall.look(20, {3: 100}, {3: 200}) == []


def test_what_cannot_be_told_is_forgiven() -> None:
    stall = Stall(seconds_max=15)
    stall.look(0, {3: 100}, {3: 200})
    stall.look(1, {3: 100}, {3: 200})
    stall.forgive()

    assert stall.look(20, {3: 100}, {3: 200}) == []


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_a_stall_needs_seconds_of_standing_still_behind_the_end(taken: list[int]) -> None:
    stall = Stall(seconds_max=5)

    for now, here in enumerate(taken):
        late = stall.look(now, {0: here}, {0: 3})

        stood = taken[max(0, now - 5) : now + 1]
        if late:
            assert set(stood) == {here}
            assert here < 3

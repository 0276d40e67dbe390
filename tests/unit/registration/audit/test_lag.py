"""Tests the lag: the number of events not counted yet, and how long a lagging position has not moved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registration.audit.lag import Lag, PositionSince, measure_lag


def test_without_uncounted_events_there_is_no_lag_at_any_time() -> None:
    known, _ = measure_lag({}, [5], [5], 0.0)

    _, lag = measure_lag(known, [5], [5], 100.0)

    assert lag == Lag(0, 0.0)


def test_the_age_of_a_lag_whose_position_does_not_move_grows() -> None:
    known, _ = measure_lag({}, [5, 9], [7, 9], 0.0)

    _, lag = measure_lag(known, [5, 9], [8, 9], 30.0)

    assert lag == Lag(3, 30.0)


def test_a_lag_whose_position_moves_has_no_age() -> None:
    known, _ = measure_lag({}, [5], [90], 0.0)

    _, lag = measure_lag(known, [6], [90], 30.0)

    assert lag == Lag(84, 0.0)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12))
def test_the_age_of_a_lag_begins_when_the_position_last_moved_or_had_no_lag(
    observations: list[tuple[int, int]],
) -> None:
    known: dict[int, PositionSince] = {}
    since = 0
    for now, (position, end) in enumerate(observations):
        if now == 0 or observations[now - 1][0] != position or position >= end:
            since = now

        known, lag = measure_lag(known, [position], [end], float(now))

        assert lag.unmoved_s == now - since
        assert lag.events == max(0, end - position)

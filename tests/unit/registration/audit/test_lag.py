"""How much is not counted, and for how long that has stood still."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from registration.audit.lag import Lag, Since, lag_of


def test_nothing_to_count_is_no_lag_however_long() -> None:
    known, _ = lag_of({}, [5], [5], 0.0)

    _, lag = lag_of(known, [5], [5], 100.0)

    assert lag == Lag(0, 0.0)


def test_a_lag_that_does_not_move_grows_older() -> None:
    known, _ = lag_of({}, [5, 9], [7, 9], 0.0)

    _, lag = lag_of(known, [5, 9], [8, 9], 30.0)

    assert lag == Lag(3, 30.0)


def test_counting_that_goes_on_is_no_standing_lag() -> None:
    known, _ = lag_of({}, [5], [90], 0.0)

    _, lag = lag_of(known, [6], [90], 30.0)

    assert lag == Lag(84, 0.0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12))
def test_the_standing_time_is_that_since_the_position_moved_or_was_complete(
    heard: list[tuple[int, int]],
) -> None:
    known: dict[int, Since] = {}
    since = 0
    for now, (position, end) in enumerate(heard):
        if now == 0 or heard[now - 1][0] != position or position >= end:
            since = now

        known, lag = lag_of(known, [position], [end], float(now))

        assert lag.standing_s == now - since
        assert lag.events == max(0, end - position)

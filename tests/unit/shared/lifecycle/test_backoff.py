"""Delays double from the minimum, never exceed the maximum, and start again after a success."""

from __future__ import annotations

from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from lifecycle.backoff import Backoff


def test_delays_double_up_to_the_maximum() -> None:
    assert list(islice(Backoff(0.5, 5.0), 6)) == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


@given(st.integers(1, 4), st.integers(1, 40))
def test_each_delay_is_the_doubled_previous_one_or_the_maximum(minimum: int, maximum: int) -> None:
    delays_s = list(islice(Backoff(minimum, maximum), 100))

    assert delays_s[0] == min(minimum, maximum)
    assert all(after == min(2 * before, maximum) for before, after in pairwise(delays_s))
    assert delays_s[-1] == maximum


def test_after_a_success_the_delays_start_again() -> None:
    backoff = Backoff(1.0, 8.0)
    list(islice(backoff, 3))

    backoff.reset()

    assert next(backoff) == 1.0

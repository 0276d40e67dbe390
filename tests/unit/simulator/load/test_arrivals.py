"""Arrival times ascend, end with the duration, and have the requested mean rate and bursts."""

from __future__ import annotations

import random
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.load.arrivals import ArrivalProfile, arrivals


@settings(max_examples=30)
@given(st.integers(0, 1000), st.floats(0.5, 20))
def test_arrivals_ascend_and_end_with_the_duration(seed: int, duration_s: float) -> None:
    times = list(arrivals(ArrivalProfile(20), random.Random(seed), duration_s))

    assert all(earlier < later for earlier, later in pairwise(times))
    assert all(0 < at < duration_s for at in times)


def test_the_long_run_rate_is_the_requested_one_bursts_included() -> None:
    times = list(arrivals(ArrivalProfile(200), random.Random(1), 200))

    assert len(times) / 200 == pytest.approx(200, rel=0.03)


def test_a_burst_follows_the_end_of_an_act() -> None:
    profile = ArrivalProfile(200)
    times = list(arrivals(profile, random.Random(2), 200))

    after = sum(1 for at in times if at % profile.act_s < 2)
    before = sum(1 for at in times if at % profile.act_s > profile.act_s - 2)
    assert after > 1.7 * before
    assert profile.rate_per_s(0) == pytest.approx(profile.peak_per_s)


def test_without_a_duration_arrivals_never_end_and_without_a_rate_there_are_none() -> None:
    assert len(list(islice(arrivals(ArrivalProfile(5), random.Random(3)), 500))) == 500
    assert list(arrivals(ArrivalProfile(0), random.Random(3))) == []

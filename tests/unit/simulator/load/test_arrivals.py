from __future__ import annotations

import random
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.load.arrivals import Night, arrivals


@settings(max_examples=30)
@given(st.integers(0, 1000), st.floats(0.5, 20))
def test_arrivals_rise_and_end_with_the_night(seed: int, duration_s: float) -> None:
    times = list(arrivals(Night(20), random.Random(seed), duration_s))

    assert all(earlier < later for earlier, later in pairwise(times))
    assert all(0 < at < duration_s for at in times)


def test_the_long_run_rate_is_the_one_asked_for_bursts_included() -> None:
    times = list(arrivals(Night(200), random.Random(1), 200))

    assert len(times) / 200 == pytest.approx(200, rel=0.03)


def test_a_burst_follows_the_end_of_an_act() -> None:
    night = Night(200)
    times = list(arrivals(night, random.Random(2), 200))

    after = sum(1 for at in times if at % night.act_s < 2)
    before = sum(1 for at in times if at % night.act_s > night.act_s - 2)
    assert after > 1.7 * before
    assert night.rate_per_s(0) == pytest.approx(night.peak_per_s)


def test_a_night_without_duration_has_no_end_and_one_without_rate_has_nobody() -> None:
    assert len(list(islice(arrivals(Night(5), random.Random(3)), 500))) == 500
    assert list(arrivals(Night(0), random.Random(3))) == []

"""The shares of an apportionment add up, and each share is its quota rounded down or up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.seed.apportionment import apportion, scaled

WEIGHTS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 4), min_size=1).filter(
    lambda w: any(w.values())
)


@given(st.integers(0, 20), WEIGHTS)
def test_the_shares_add_up_and_each_is_its_quota_rounded_down_or_up(
    total: int, weights: dict[str, int]
) -> None:
    shares = apportion(total, weights)

    assert sum(shares.values()) == total
    for key, share in shares.items():
        quota = Fraction(total * weights[key], sum(weights.values()))
        assert share in (int(quota), -(-quota.numerator // quota.denominator))


def test_the_remaining_unit_goes_to_the_largest_remainder() -> None:
    assert apportion(10, {"a": 47, "b": 16, "c": 37}) == {"a": 5, "b": 1, "c": 4}


def test_nothing_can_be_split_over_weights_of_zero() -> None:
    with pytest.raises(ValueError, match="no weight is positive"):
        apportion(1, {"a": 0})

    assert apportion(0, {"a": 0}) == {"a": 0}


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 50))
def test_a_scaled_part_is_the_nearest_integer(part: int, whole: int, new_whole: int) -> None:
    assert abs(Fraction(part * new_whole, whole) - scaled(part, whole, new_whole)) <= Fraction(1, 2)

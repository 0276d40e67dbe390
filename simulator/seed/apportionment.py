"""Splits an integer total by weights so that the shares add up exactly."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction


def apportion(total: int, weights: Mapping[str, Fraction | int]) -> dict[str, int]:
    """Split `total` by weight with the method of largest remainders (Hamilton's method).

    The shares add up to `total`. Each share is its exact quota rounded down or up; of keys with equal
    remainders, the first is rounded up first. Raises ValueError if the total or a weight is negative, or if
    the total is positive but no weight is positive.
    """
    whole = sum(weights.values(), Fraction(0))
    if total < 0 or min(weights.values(), default=0) < 0:
        raise ValueError("neither the total nor a weight may be negative")
    if whole == 0:
        if total:
            raise ValueError("the total is positive, but no weight is positive")
        return dict.fromkeys(weights, 0)
    quotas = {key: Fraction(total) * weight / whole for key, weight in weights.items()}
    shares = {key: int(quota) for key, quota in quotas.items()}
    left = total - sum(shares.values())
    by_remainder = sorted(quotas, key=lambda key: shares[key] - quotas[key])
    for key in by_remainder[:left]:
        shares[key] += 1
    return shares


def scaled(part: int, whole: int, new_whole: int) -> int:
    """Scale `part` of `whole` to `new_whole`, rounded to the nearest integer; halves are rounded up."""
    return (2 * part * new_whole + whole) // (2 * whole)

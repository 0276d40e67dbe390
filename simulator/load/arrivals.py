"""Arrival times: a Poisson process whose rate jumps when an act on the stage ends, and then decays.

The load is open-loop: an arrival never waits for an earlier response, so a slow register faces a growing
queue, as in reality.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from math import exp


@dataclass(frozen=True, slots=True)
class ArrivalProfile:
    """The arrival rate over time: acts of `act_s` seconds, each followed by a burst on top of the base rate.

    `mean_per_s` is the long-run mean, bursts included. A burst adds `burst` times the base rate at first,
    and decays by a factor of e every `decay_s` seconds.
    """

    mean_per_s: float
    act_s: float = 20.0
    burst: float = 1.5
    decay_s: float = 2.5

    @property
    def base_per_s(self) -> float:
        """The rate between two bursts."""
        share = self.decay_s / self.act_s * (1 - exp(-self.act_s / self.decay_s))
        return self.mean_per_s / (1 + self.burst * share)

    @property
    def peak_per_s(self) -> float:
        """The rate at the moment an act ends."""
        return self.base_per_s * (1 + self.burst)

    def rate_per_s(self, at_s: float) -> float:
        """Return the rate at `at_s` seconds after the start."""
        return self.base_per_s * (1 + self.burst * exp(-(at_s % self.act_s) / self.decay_s))


def arrivals(profile: ArrivalProfile, rng: random.Random, duration_s: float | None = None) -> Iterator[float]:
    """Yield the seconds of the arrivals, ascending, up to `duration_s` (None: without end).

    A Poisson process with a varying rate, made by thinning one with the peak rate (Lewis and Shedler, 1979).
    """
    if profile.mean_per_s <= 0:
        return
    at_s = 0.0
    while True:
        at_s += rng.expovariate(profile.peak_per_s)
        if duration_s is not None and at_s >= duration_s:
            return
        if rng.random() * profile.peak_per_s < profile.rate_per_s(at_s):
            yield at_s

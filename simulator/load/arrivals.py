"""When people come: independent arrivals whose rate jumps as a stage act ends and dies down again.

Open loop: the next arrival never waits for an answer, so a slow register meets a growing queue, as it would.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from math import exp


@dataclass(frozen=True, slots=True)
class Night:
    """A programme of acts of `act_s` seconds; each end brings a burst on top of the base rate.

    `mean_per_s` is what comes in the long run, bursts included; the burst starts at `burst` times the base
    rate above it and falls by a factor of e every `decay_s` seconds.
    """

    mean_per_s: float
    act_s: float = 20.0
    burst: float = 1.5
    decay_s: float = 2.5

    @property
    def base_per_s(self) -> float:
        """The rate between the bursts."""
        share = self.decay_s / self.act_s * (1 - exp(-self.act_s / self.decay_s))
        return self.mean_per_s / (1 + self.burst * share)

    @property
    def peak_per_s(self) -> float:
        """The rate in the instant an act ends."""
        return self.base_per_s * (1 + self.burst)

    def rate_per_s(self, at_s: float) -> float:
        """The rate so many seconds into the night."""
        return self.base_per_s * (1 + self.burst * exp(-(at_s % self.act_s) / self.decay_s))


def arrivals(night: Night, dice: random.Random, duration_s: float | None = None) -> Iterator[float]:
    """Seconds at which somebody comes, rising, up to `duration_s` or without end.

    A Poisson process of changing rate, by thinning one of the peak rate (Lewis and Shedler, 1979).
    """
    if night.mean_per_s <= 0:
        return
    at_s = 0.0
    while True:
        at_s += dice.expovariate(night.peak_per_s)
        if duration_s is not None and at_s >= duration_s:
            return
        if dice.random() * night.peak_per_s < night.rate_per_s(at_s):
            yield at_s

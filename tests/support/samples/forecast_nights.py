"""Simulated campaign nights, for testing forecasts against what really happened.

Fixed before the method was tuned: the model, and which seeds tune the forecast and which judge it.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

TUNING_SEEDS: Final = range(1_000, 1_300)
TEST_SEEDS: Final = range(5_000, 5_300)

QUIET_MINUTES: Final = 20
"""Before and after each night nearly nobody registers."""


@dataclass(frozen=True)
class Night:
    """The registrations in each minute of an evening, the count before it, and the distance of thresholds."""

    seed: int
    minutes: tuple[int, ...]
    start: int
    every: int
    ends_at: int
    """The first minute after the night."""

    def count_at(self, minute: int) -> int:
        """Return the count at the beginning of a minute."""
        return self.start + sum(self.minutes[:minute])

    def reached_at(self, threshold: int) -> float | None:
        """Return the time, in minutes, at which a count is reached; None if it never is."""
        sums = accumulate(self.minutes, initial=self.start)
        for minute, (before, growth) in enumerate(zip(sums, self.minutes, strict=False)):
            if before + growth >= threshold:
                return minute + (threshold - before) / growth
        return None


def simulated_night(seed: int) -> Night:
    """Return the night of a seed.

    It lasts one to four hours. Its rate rises within minutes to a plateau of 30 to 1,200 registrations a
    minute. There the logarithm of the rate wanders: it returns to its mean within some 15 to 40 minutes and
    deviates by a tenth to a third. The night ends within 1 to 12 minutes.
    """
    chance = random.Random(seed)
    plateau = math.exp(chance.uniform(math.log(30), math.log(1_200)))
    length = chance.randint(60, 240)
    rise, fall = chance.randint(2, 15), chance.randint(1, 12)
    deviation, memory = chance.uniform(0.1, 0.33), chance.uniform(15, 40)
    wander = chance.gauss(0, deviation)
    minutes = [_poisson(chance, 0.05) for _ in range(QUIET_MINUTES)]
    for minute in range(length):
        kept = math.exp(-1 / memory)
        wander = kept * wander + chance.gauss(0, deviation * math.sqrt(1 - kept**2))
        shape = min(1.0, (minute + 1) / rise, (length - minute) / fall)
        minutes.append(_poisson(chance, plateau * shape * math.exp(wander)))
    ends_at = len(minutes)
    minutes += [_poisson(chance, 0.05) for _ in range(QUIET_MINUTES)]
    every = max(10, round(plateau * chance.uniform(5, 60), -1))
    return Night(seed, tuple(minutes), chance.randint(0, 300_000), int(every), ends_at)


def _poisson(chance: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    number, product = 0, chance.random()
    while product > math.exp(-mean):
        number += 1
        product *= chance.random()
    return number

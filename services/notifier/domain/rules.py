"""The definition of a milestone rule: its scope, measure, regions, epoch and thresholds.

The functions do no I/O and read no clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

Key = tuple[str, str, str]
"""(scope, region, measure), as in a cut."""

EVER: Final = "ever"
"""The epoch that has no beginning. In it, the value of a rule is the count itself, not a growth."""
UNPLACED: Final = "31.00"
"""The code under which malformed region codes are counted. A rule for a level does not cover this code."""

LEVELS: Final[Mapping[str, re.Pattern[str]]] = {
    "province": re.compile(r"\d\d"),
    "city": re.compile(r"\d\d\.\d\d"),
    "district": re.compile(r"\d\d\.\d\d\.\d\d"),
    "subdistrict": re.compile(r"\d\d\.\d\d\.\d\d\.\d{4}"),
}


@dataclass(frozen=True, slots=True)
class At:
    """A list of thresholds, ascending."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Every:
    """Every multiple of `step` that is greater than `above`."""

    step: int
    above: int = 0


@dataclass(frozen=True, slots=True)
class PercentOfTarget:
    """Percentages of the target of the same scope, region and measure. Without a target, no thresholds."""

    percents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A milestone rule: thresholds for one measure, in one scope and several regions.

    The rule covers `regions`, or every region of `level` if `regions` is None. In the epoch `ever`, the
    thresholds are compared with the count; in another epoch, with the count's growth since the epoch opened.
    `rearm_margin` is how far below a threshold the value must fall before the threshold can be crossed again.
    If it is None, the threshold is crossed only once.
    """

    id: str
    scope: str
    measure: str
    thresholds: At | Every | PercentOfTarget
    level: str | None = None
    regions: frozenset[str] | None = None
    epoch: str = EVER
    rearm_margin: int | None = None

    def covers(self, region: str) -> bool:
        """Whether the rule applies to this region."""
        if self.regions is not None:
            return region in self.regions
        return region != UNPLACED and self.level is not None and bool(LEVELS[self.level].fullmatch(region))


def thresholds(rule: Rule, target: int | None, value: int) -> Iterator[tuple[int, int | None]]:
    """Return (threshold, percentage) for each threshold at or below `value`, in ascending order.

    The percentage is None unless the rule's thresholds are percentages of the target.
    """
    match rule.thresholds:
        case At(values):
            yield from ((threshold, None) for threshold in values if threshold <= value)
        case Every(step, above):
            first = (above // step + 1) * step
            yield from ((threshold, None) for threshold in range(first, value + 1, step))
        case PercentOfTarget(percents) if target is not None:
            for percent in percents:
                threshold = -(-target * percent // 100)  # rounded up: 50% of 3 is reached at 2
                if 0 < threshold <= value:
                    yield threshold, percent

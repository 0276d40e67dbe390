"""What a milestone's definition says: of what, where, and at which values.

Pure: no clock, no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

Key = tuple[str, str, str]
"""(scope, region, measure), as in a cut."""

EVER: Final = "ever"
UNPLACED: Final = "31.00"
"""Where codes of another shape are counted: no city, so no rule of a level means it."""

LEVELS: Final[Mapping[str, re.Pattern[str]]] = {
    "province": re.compile(r"\d\d"),
    "city": re.compile(r"\d\d\.\d\d"),
    "district": re.compile(r"\d\d\.\d\d\.\d\d"),
    "subdistrict": re.compile(r"\d\d\.\d\d\.\d\d\.\d{4}"),
}


@dataclass(frozen=True, slots=True)
class At:
    """Named thresholds, ascending."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Every:
    """Every multiple of `step` that lies beyond `above`."""

    step: int
    above: int = 0


@dataclass(frozen=True, slots=True)
class PercentOfTarget:
    """Shares of the target of the same scope, region and measure; silent where there is none."""

    percents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A milestone's definition: of what, where, and at which values.

    `regions` names them; where it is None the rule holds for every region of `level`. In an epoch other than
    `ever` the value is the growth since the epoch opened. `rearm_margin`, if any, is how far below a
    threshold the value must fall before reaching it counts anew.
    """

    id: str
    scope: str
    measure: str
    thresholds: At | Every | PercentOfTarget
    level: str | None = None
    regions: frozenset[str] | None = None
    epoch: str = EVER
    rearm_margin: int | None = None

    def watches(self, region: str) -> bool:
        """Whether the rule holds for this region."""
        if self.regions is not None:
            return region in self.regions
        return region != UNPLACED and self.level is not None and bool(LEVELS[self.level].fullmatch(region))


def level_of(region: str) -> str | None:
    """`province`, `city`, `district` or `subdistrict`, by the shape of the code."""
    return next((level for level, shape in LEVELS.items() if shape.fullmatch(region)), None)


def thresholds(rule: Rule, target: int | None, value: int) -> Iterator[tuple[int, int | None]]:
    """The rule's thresholds at or below the value, ascending, with the percentage where they are shares."""
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

"""What the register's standings come to as tallies, and how they differ from a published cut.

Pure, and written apart from the aggregator's own sums on purpose: the one proves the other. A region's
ancestors are the prefixes of its code; a code of another shape counts under 31.00, a child of 31.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from registration.domain.participant import Standing

Cell = tuple[str, str, str]
"""(scope, region, measure)"""

DIFFERENCES_MAX: Final = 20
KELURAHAN: Final = re.compile(r"31\.\d\d\.\d\d\.\d{4}", re.ASCII)
ELSEWHERE: Final = ("31", "31.00")


class Difference(msgspec.Struct, frozen=True):
    """A tally that is not what the register says."""

    scope: str
    region: str
    measure: str
    expected: int
    found: int


class Findings(msgspec.Struct, frozen=True):
    """How far a cut is off: the sum of all differences, and the largest of them."""

    drift: int
    differences: tuple[Difference, ...]


class TallySums:
    """Standings and how many participants have each; events are taken back one by one."""

    def __init__(self) -> None:
        self._standings: dict[Standing, int] = {}

    def add(self, standing: Standing | None, number: int = 1) -> None:
        """Count participants of a standing; a negative number takes them away, None is nobody."""
        if standing is not None:
            self._standings[standing] = self._standings.get(standing, 0) + number

    def take_back(self, before: Standing | None, after: Standing | None) -> None:
        """Undo an event: its participant stands as before."""
        self.add(after, -1)
        self.add(before)

    def tallies(self) -> dict[Cell, int]:
        """What the standings come to, for every scope, region and measure; zeros left out."""
        local: dict[Cell, int] = {}
        for standing, number in self._standings.items():
            if number == 0:
                continue
            for scope in _scopes(standing):
                for measure in _measures(standing.steps):
                    cell = (scope, standing.region, measure)
                    local[cell] = local.get(cell, 0) + number
        tallies: dict[Cell, int] = {}
        for (scope, region, measure), number in local.items():
            for ancestor in ancestry(region):
                cell = (scope, ancestor, measure)
                tallies[cell] = tallies.get(cell, 0) + number
        return {cell: number for cell, number in tallies.items() if number}


def compare(expected: Mapping[Cell, int], found: Mapping[Cell, int]) -> Findings:
    """How `found` differs from `expected`; a tally that is zero and one that is missing are the same."""
    differences = [
        Difference(*cell, expected=expected.get(cell, 0), found=found.get(cell, 0))
        for cell in expected.keys() | found.keys()
        if expected.get(cell, 0) != found.get(cell, 0)
    ]
    differences.sort(key=lambda d: (-abs(d.found - d.expected), d.scope, d.region, d.measure))
    return Findings(sum(abs(d.found - d.expected) for d in differences), tuple(differences[:DIFFERENCES_MAX]))


@lru_cache(maxsize=4096)
def ancestry(region: str) -> tuple[str, ...]:
    """The province, city and district a kelurahan lies in, and itself."""
    if KELURAHAN.fullmatch(region) is None:
        return ELSEWHERE
    parts = region.split(".")
    return tuple(".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _scopes(standing: Standing) -> list[str]:
    scopes = ["all"]
    if standing.agency is not None:
        scopes.append(f"agency:{standing.agency}")
    if standing.campaign is not None:
        scopes.append(f"campaign:{standing.campaign}")
    return scopes


@lru_cache(maxsize=256)
def _measures(steps: tuple[str, ...]) -> tuple[str, ...]:
    return ("registered", *(f"step:{step}" for step in sorted(set(steps))))

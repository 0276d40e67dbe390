"""Tallies from the register's standings, and their differences from a published cut.

Pure. It shares no code with the aggregator on purpose, so that each checks the other. A region's ancestors
are the prefixes of its code; a code in another form is counted under 31.00, a child of 31.
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
OTHER_FORM: Final = ("31", "31.00")


class Difference(msgspec.Struct, frozen=True):
    """A tally in the cut that differs from the register's."""

    scope: str
    region: str
    measure: str
    expected: int
    found: int


class Findings(msgspec.Struct, frozen=True):
    """The sum of all absolute differences, and the largest differences."""

    drift: int
    differences: tuple[Difference, ...]


class TallySums:
    """The number of participants of each standing. Events can be reverted."""

    def __init__(self) -> None:
        self._standings: dict[Standing, int] = {}

    def add(self, standing: Standing | None, number: int = 1) -> None:
        """Add `number` participants of a standing, negative to remove them; None changes nothing."""
        if standing is not None:
            self._standings[standing] = self._standings.get(standing, 0) + number

    def revert(self, before: Standing | None, after: Standing | None) -> None:
        """Revert an event: replace the standing after it by the one before it."""
        self.add(after, -1)
        self.add(before)

    def tallies(self) -> dict[Cell, int]:
        """The tallies by (scope, region, measure), without zeros."""
        by_kelurahan: dict[Cell, int] = {}
        for standing, number in self._standings.items():
            if number == 0:
                continue
            for scope in _scopes(standing):
                for measure in _measures(standing.steps):
                    cell = (scope, standing.region, measure)
                    by_kelurahan[cell] = by_kelurahan.get(cell, 0) + number
        tallies: dict[Cell, int] = {}
        for (scope, region, measure), number in by_kelurahan.items():
            for ancestor in ancestry(region):
                cell = (scope, ancestor, measure)
                tallies[cell] = tallies.get(cell, 0) + number
        return {cell: number for cell, number in tallies.items() if number}


def compare(expected: Mapping[Cell, int], found: Mapping[Cell, int]) -> Findings:
    """Compare tallies; a missing tally is the same as zero."""
    differences = [
        Difference(*cell, expected=expected.get(cell, 0), found=found.get(cell, 0))
        for cell in expected.keys() | found.keys()
        if expected.get(cell, 0) != found.get(cell, 0)
    ]
    differences.sort(key=lambda d: (-abs(d.found - d.expected), d.scope, d.region, d.measure))
    return Findings(sum(abs(d.found - d.expected) for d in differences), tuple(differences[:DIFFERENCES_MAX]))


@lru_cache(maxsize=4096)
def ancestry(region: str) -> tuple[str, ...]:
    """The province, city and district of a kelurahan, and the kelurahan itself."""
    if KELURAHAN.fullmatch(region) is None:
        return OTHER_FORM
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

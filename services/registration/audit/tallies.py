"""Sums standings into tallies, reverts events that a cut has not counted, and compares tallies.

This module deliberately shares no code with the aggregator, so that an error in one of them shows as a
difference. A region's ancestors are the prefixes of its code. A participant whose region code does not have
the form of a kelurahan's code is counted in 31.00 and in 31.
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
REGISTERED: Final = "registered"
STOCK: Final = "stock"


class Difference(msgspec.Struct, frozen=True):
    """A tally whose value in the cut (`found`) differs from its value by the register (`expected`)."""

    scope: str
    region: str
    measure: str
    expected: int
    found: int


class Findings(msgspec.Struct, frozen=True):
    """The drift, which is the sum of all absolute differences, and at most DIFFERENCES_MAX differences.

    The largest differences come first.
    """

    drift: int
    differences: tuple[Difference, ...]


class TallySums:
    """Counts participants by standing. Reverting an event changes these counts."""

    def __init__(self) -> None:
        self._standings: dict[Standing, int] = {}

    def add(self, standing: Standing | None, number: int = 1) -> None:
        """Add `number` participants with this standing, or remove them if `number` is negative.

        If the standing is None, nothing changes.
        """
        if standing is not None:
            self._standings[standing] = self._standings.get(standing, 0) + number

    def revert(self, before: Standing | None, after: Standing | None) -> None:
        """Revert an event: replace the standing after the event by the standing before it."""
        self.add(after, -1)
        self.add(before)

    def tallies(self) -> dict[Cell, int]:
        """Return the tallies by (scope, region, measure), without those that are zero."""
        by_kelurahan: dict[Cell, int] = {}
        for standing, number in self._standings.items():
            if number == 0:
                continue
            for scope in _scopes(standing):
                for measure in _measures(standing.steps, standing.stock):
                    cell = (scope, standing.region, measure)
                    by_kelurahan[cell] = by_kelurahan.get(cell, 0) + number
        tallies: dict[Cell, int] = {}
        for (scope, region, measure), number in by_kelurahan.items():
            for ancestor in ancestry(region):
                cell = (scope, ancestor, measure)
                tallies[cell] = tallies.get(cell, 0) + number
        return {cell: number for cell, number in tallies.items() if number}


def live_counts(tallies: Mapping[Cell, int]) -> dict[tuple[str, str], int]:
    """Return the number of live participants by scope and region: the registered without the stock.

    It is negative if the registration of a live participant is quarantined and the withdrawal is not.
    """
    live: dict[tuple[str, str], int] = {}
    for (scope, region, measure), count in tallies.items():
        if measure in (REGISTERED, STOCK):
            signed = count if measure == REGISTERED else -count
            live[scope, region] = live.get((scope, region), 0) + signed
    return {place: count for place, count in live.items() if count}


def compare(expected: Mapping[Cell, int], found: Mapping[Cell, int]) -> Findings:
    """Compare two sets of tallies. A tally that is missing from a set counts as zero."""
    differences = [
        Difference(*cell, expected=expected.get(cell, 0), found=found.get(cell, 0))
        for cell in expected.keys() | found.keys()
        if expected.get(cell, 0) != found.get(cell, 0)
    ]
    differences.sort(key=lambda d: (-abs(d.found - d.expected), d.scope, d.region, d.measure))
    return Findings(sum(abs(d.found - d.expected) for d in differences), tuple(differences[:DIFFERENCES_MAX]))


@lru_cache(maxsize=4096)
def ancestry(region: str) -> tuple[str, ...]:
    """Return the codes of a kelurahan's province, city and district, and of the kelurahan itself.

    A code of another form is counted in the province `31` and in `31.00`, so these two codes are returned.
    """
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
def _measures(steps: tuple[str, ...], stock: bool) -> tuple[str, ...]:
    return (REGISTERED, *([STOCK] if stock else []), *(f"step:{step}" for step in sorted(set(steps))))

"""Rolls counted standings up to tally changes, for all their scopes, their region and the region's ancestors.

The ancestors of a region are the prefixes of its code, so no list of regions is read. This module does no I/O
and reads no clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from aggregator.domain.event import Standing
from aggregator.domain.event_fold import Fold

KELURAHAN: Final = re.compile(r"31\.\d{2}\.\d{2}\.\d{4}", re.ASCII)
ELSEWHERE: Final = "31.00"
REGISTERED: Final = "registered"
STOCK: Final = "stock"

Cell = tuple[str, str, str]
"""(scope, region, measure)"""


@dataclass(frozen=True, slots=True)
class TallyChanges:
    """What batches add to tallies, for regions of every level. No change in it is zero."""

    changes: Mapping[Cell, int] = field(default_factory=dict)


def roll_up(folds: Iterable[Fold]) -> TallyChanges:
    """Sum the folds of several partitions, then roll the sums up to scopes and regions."""
    standings: dict[Standing, int] = {}
    for partition_fold in folds:
        if not standings:
            standings.update(partition_fold.standing_changes)
            continue
        for standing, number in partition_fold.standing_changes.items():
            standings[standing] = standings.get(standing, 0) + number
    changes = _roll_up_standings(standings)
    return TallyChanges({cell: number for cell, number in changes.items() if number})


def _roll_up_standings(standings: Mapping[Standing, int]) -> dict[Cell, int]:
    by_region: dict[Cell, int] = {}
    for standing, number in standings.items():
        measures = [REGISTERED, *{f"step:{step}" for step in standing.steps}]
        if standing.stock:
            measures.append(STOCK)
        for scope in scopes_of(standing):
            for measure in measures:
                cell = (scope, standing.region, measure)
                by_region[cell] = by_region.get(cell, 0) + number
    changes: dict[Cell, int] = {}
    for (scope, region, measure), number in by_region.items():
        for ancestor in regions_of(region):
            cell = (scope, ancestor, measure)
            changes[cell] = changes.get(cell, 0) + number
    return changes


def scopes_of(standing: Standing) -> tuple[str, ...]:
    """Return the scopes in which a standing counts: `all`, and those of its agency and campaign, if any."""
    if standing.agency is None:
        return ("all",) if standing.campaign is None else ("all", f"campaign:{standing.campaign}")
    if standing.campaign is None:
        return ("all", f"agency:{standing.agency}")
    return ("all", f"agency:{standing.agency}", f"campaign:{standing.campaign}")


# The cache has room for the codes of all 83,000 villages of Indonesia. With less room it would constantly
# evict codes that are needed again.
@lru_cache(maxsize=131_072)
def regions_of(code: str) -> tuple[str, ...]:
    """Return the code of a kelurahan and those of its ancestors.

    Any other code counts as region 31.00, a child of 31.
    """
    if KELURAHAN.fullmatch(code) is None:
        return (ELSEWHERE, "31")
    return (code, code[:8], code[:5], "31")

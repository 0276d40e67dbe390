"""Jakarta's regions with their codes, names, levels and parents, read from the contract's CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

SUBDISTRICT: Final = "subdistrict"


class RegionFault(StrEnum):
    """Why a participant cannot be registered with a region code."""

    UNKNOWN = "region_unknown"
    NOT_KELURAHAN = "region_not_kelurahan"


class Region(msgspec.Struct, frozen=True):
    """A region. `parent` is the code of the region that contains it; None for the province."""

    code: str
    parent: str | None
    level: str
    name: str


class Regions:
    """All regions, in the order of the CSV file."""

    def __init__(self, regions: Iterable[Region]) -> None:
        self.by_code: Final[Mapping[str, Region]] = {region.code: region for region in regions}
        self._kelurahan = frozenset(
            code for code, region in self.by_code.items() if region.level == SUBDISTRICT
        )

    def fault(self, code: str) -> RegionFault | None:
        """Return None if the code is that of a kelurahan, else why no participant can have it."""
        if code in self._kelurahan:
            return None
        return RegionFault.NOT_KELURAHAN if code in self.by_code else RegionFault.UNKNOWN

    def children(self, code: str) -> list[Region]:
        """Return the regions whose parent has this code."""
        return [region for region in self.by_code.values() if region.parent == code]


def read_regions(path: Path) -> Regions:
    """Read the CSV file with the columns code, parent, level, name."""
    with path.open(encoding="utf-8", newline="") as lines:
        return Regions(
            Region(row["code"], row["parent"] or None, row["level"], row["name"])
            for row in csv.DictReader(lines)
        )

"""The regions, with their codes, everyday names, levels and parents."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localization.region_names import everyday_name

LEVELS: Final = ("province", "city", "district", "subdistrict")
LEVEL_BY_LENGTH: Final = {2: "province", 5: "city", 8: "district", 13: "subdistrict"}
PROVINCE: Final = "31"


@dataclass(frozen=True, slots=True)
class Region:
    """A region. `name` is its Indonesian everyday name, such as "Jakarta Pusat"."""

    code: str
    name: str
    level: str
    parent: str | None


class Regions:
    """The known regions by code. For an unknown code, `get` returns a substitute."""

    def __init__(self, regions: Mapping[str, Region]) -> None:
        self._regions = dict(sorted(regions.items()))

    def __contains__(self, code: str) -> bool:
        return code in self._regions

    def __iter__(self) -> Iterator[Region]:
        return iter(self._regions.values())

    def get(self, code: str) -> Region:
        """Return the region. If the code is unknown and not UNPLACED, the code is also the name."""
        return self._regions.get(code) or Region(
            code=code,
            name=everyday_name(code, code, "id"),
            level=LEVEL_BY_LENGTH.get(len(code), "subdistrict"),
            parent=code.rpartition(".")[0] or None,
        )


def lies_in(code: str, parent: str) -> bool:
    """Whether the region lies inside `parent`, at any depth. A region does not lie inside itself."""
    return code.startswith(parent + ".")


def load_regions(path: Path) -> Regions:
    """Read contract/regions.csv, which has the columns code, parent, level and name."""
    with path.open(encoding="utf-8", newline="") as file:
        regions = [
            Region(
                row["code"],
                everyday_name(row["code"], row["name"], "id"),
                row["level"],
                row["parent"] or None,
            )
            for row in csv.DictReader(file)
        ]
    return Regions({region.code: region for region in regions})

"""The regions, with their codes, everyday names, levels and parents."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LEVELS: Final = ("province", "city", "district", "subdistrict")
LEVEL_BY_LENGTH: Final = {2: "province", 5: "city", 8: "district", 13: "subdistrict"}
PROVINCE: Final = "31"
UNPLACED: Final = "31.00"
"""The code under which malformed region codes are counted."""

SHORT_NAMES: Final = {
    "Daerah Khusus Ibukota Jakarta": "DKI Jakarta",
    "Kota Administrasi ": "",
    "Kabupaten Administrasi ": "",
}


@dataclass(frozen=True, slots=True)
class Region:
    """A region. `name` is the everyday name "Jakarta Pusat", not "Kota Administrasi Jakarta Pusat"."""

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
        """Return the region. If the code is unknown, the code is also the name, except for UNPLACED."""
        return self._regions.get(code) or Region(
            code=code,
            name="Wilayah belum dikenal" if code == UNPLACED else code,
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
            Region(row["code"], _short_name(row["name"]), row["level"], row["parent"] or None)
            for row in csv.DictReader(file)
        ]
    return Regions({region.code: region for region in regions})


def _short_name(name: str) -> str:
    for official, short in SHORT_NAMES.items():
        name = name.replace(official, short)
    return name

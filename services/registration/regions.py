"""Jakarta's regions with their codes, names, levels and parents, read from the contract's CSV file."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

SUBDISTRICT: Final = "subdistrict"
CANDIDATES_MAX: Final = 12
"""More kelurahan than a kecamatan has are no help."""
SIMILARITY_MIN: Final = 0.8
CODE_WITHOUT_DOTS: Final = re.compile(r"[0-9]{10}")
NAME_SEPARATOR: Final = re.compile(r"[,/;()]| - ")
LEVEL_WORDS: Final = re.compile(
    r"^(?:kelurahan|kel|kecamatan|kec|kota administrasi|kota adm|kota|kabupaten administrasi"
    r"|kabupaten|kab)\.? +"
)


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
        self._codes_by_name: Final[dict[str, list[str]]] = {}
        for region in self.by_code.values():
            if region.level == SUBDISTRICT:
                self._codes_by_name.setdefault(_plain(region.name), []).append(region.code)
        self._kelurahan = frozenset(
            code for code, region in self.by_code.items() if region.level == SUBDISTRICT
        )

    def fault(self, code: str) -> RegionFault | None:
        """Return None if the code is that of a kelurahan, else why no participant can have it."""
        if code in self._kelurahan:
            return None
        return RegionFault.NOT_KELURAHAN if code in self.by_code else RegionFault.UNKNOWN

    def codes_of(self, text: str) -> list[str]:
        """Return the codes of the regions that a text can mean: a code, or the name of a kelurahan.

        A code may lack its dots. The name may be followed by the name of the kecamatan or city, as in
        `Gambir, Jakarta Pusat`. The result is empty if there is no such region.
        """
        if text in self.by_code:
            return [text]
        if CODE_WITHOUT_DOTS.fullmatch(text):
            code = f"{text[:2]}.{text[2:4]}.{text[4:6]}.{text[6:]}"
            return [code] if code in self.by_code else []
        name, *above = [_plain(part) for part in NAME_SEPARATOR.split(text) if part.strip()] or [""]
        return [code for code in self._codes_by_name.get(name, ()) if set(above) <= self._names_above(code)]

    def candidates(self, text: str) -> list[str]:
        """Return the codes of the kelurahan that a text may mean if it does not mean exactly one.

        These are the kelurahan with this name; else those whose name contains the text or whose kecamatan has
        this name; else those with a similar name. The result is empty if there are too many.
        """
        if (codes := self.codes_of(text)) and set(codes) <= self._kelurahan:
            return codes
        name = _plain(NAME_SEPARATOR.split(text)[0])
        if not name:
            return []
        found = [code for code in sorted(self._kelurahan) if self._contains(code, name)]
        if not found:
            similar = difflib.get_close_matches(name, self._codes_by_name, cutoff=SIMILARITY_MIN)
            found = [code for match in similar for code in self._codes_by_name[match]]
        return found if len(found) <= CANDIDATES_MAX else []

    def label(self, code: str) -> str:
        """Return the name of a kelurahan with its kecamatan, which `codes_of` understands."""
        region = self.by_code[code]
        assert region.parent is not None, "a kelurahan lies in a kecamatan"
        return f"{region.name}, Kec. {self.by_code[region.parent].name}"

    def _contains(self, code: str, name: str) -> bool:
        region = self.by_code[code]
        assert region.parent is not None, "a kelurahan lies in a kecamatan"
        return name in _plain(region.name) or name == _plain(self.by_code[region.parent].name)

    def _names_above(self, code: str) -> set[str]:
        names = set()
        parent = self.by_code[code].parent
        while parent is not None:
            names.add(_plain(self.by_code[parent].name))
            parent = self.by_code[parent].parent
        return names

    def children(self, code: str) -> list[Region]:
        """Return the regions whose parent has this code."""
        return [region for region in self.by_code.values() if region.parent == code]


def _plain(name: str) -> str:
    """Return a region's name in lower case, without the word for its level."""
    words = " ".join(name.casefold().split())
    return LEVEL_WORDS.sub("", words)


def read_regions(path: Path) -> Regions:
    """Read the CSV file with the columns code, parent, level, name."""
    with path.open(encoding="utf-8", newline="") as lines:
        return Regions(
            Region(row["code"], row["parent"] or None, row["level"], row["name"])
            for row in csv.DictReader(lines)
        )

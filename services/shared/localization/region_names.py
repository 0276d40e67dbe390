"""The everyday names of regions in Indonesian and English."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

UNPLACED: Final = "31.00"
"""The code under which malformed region codes are counted."""

# The official names ("Kota Administrasi Jakarta Pusat") are too long for a page or the subject of an e-mail.
EVERYDAY_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "31": {"id": "DKI Jakarta", "en": "DKI Jakarta"},
    "31.01": {"id": "Kepulauan Seribu", "en": "Thousand Islands"},
    "31.71": {"id": "Jakarta Pusat", "en": "Central Jakarta"},
    "31.72": {"id": "Jakarta Utara", "en": "North Jakarta"},
    "31.73": {"id": "Jakarta Barat", "en": "West Jakarta"},
    "31.74": {"id": "Jakarta Selatan", "en": "South Jakarta"},
    "31.75": {"id": "Jakarta Timur", "en": "East Jakarta"},
    UNPLACED: {"id": "Wilayah belum dikenal", "en": "Areas not yet known"},
}
FORMS_OF_LEVEL: Final[Mapping[int, Mapping[str, str]]] = {
    len("31.71.01"): {"id": "Kecamatan {}", "en": "{} district"},
    len("31.71.01.1001"): {"id": "Kelurahan {}", "en": "{} sub-district"},
}
"""By the length of a region's code, which gives its level."""
FORMS_IN_SENTENCE: Final[Mapping[str, Mapping[str, str]]] = {"31.01": {"en": "the {}"}}


def everyday_name(code: str, official: str, language: str) -> str:
    """Return the name of a region as a heading: its official name if it has no other."""
    return EVERYDAY_NAMES[code][language] if code in EVERYDAY_NAMES else official


@dataclass(frozen=True, slots=True)
class RegionNames:
    """The official names of the known regions, by region code."""

    official: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, code: object) -> bool:
        return code in self.official

    def in_sentence(self, code: str, language: str) -> str:
        """Return the name of a region, as written inside a sentence; its code if the region is unknown."""
        name = everyday_name(code, self.official.get(code, code), language)
        if code == UNPLACED:
            return name[0].lower() + name[1:]
        forms = FORMS_IN_SENTENCE.get(code) or FORMS_OF_LEVEL.get(len(code), {})
        return forms.get(language, "{}").format(name) if code in self.official else name


def load_region_names(path: Path) -> RegionNames:
    """Read contract/regions.csv, which has the columns code, parent, level and name."""
    with path.open(encoding="utf-8", newline="") as file:
        return RegionNames({row["code"]: row["name"] for row in csv.DictReader(file)})

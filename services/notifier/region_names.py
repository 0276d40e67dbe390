"""The everyday names of regions in Indonesian and English."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from notifier.domain.rules import UNPLACED, level_of

# The official names ("Kota Administrasi Jakarta Pusat") are too long for the subject of an e-mail.
SHORT_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "31": {"id": "DKI Jakarta", "en": "DKI Jakarta"},
    "31.01": {"id": "Kepulauan Seribu", "en": "the Thousand Islands"},
    "31.71": {"id": "Jakarta Pusat", "en": "Central Jakarta"},
    "31.72": {"id": "Jakarta Utara", "en": "North Jakarta"},
    "31.73": {"id": "Jakarta Barat", "en": "West Jakarta"},
    "31.74": {"id": "Jakarta Selatan", "en": "South Jakarta"},
    "31.75": {"id": "Jakarta Timur", "en": "East Jakarta"},
    UNPLACED: {"id": "wilayah belum dikenal", "en": "areas not yet known"},
}
FORMS: Final[Mapping[str, Mapping[str, str]]] = {
    "district": {"id": "Kecamatan {}", "en": "{} district"},
    "subdistrict": {"id": "Kelurahan {}", "en": "{} sub-district"},
}


@dataclass(frozen=True, slots=True)
class Regions:
    """The official names of the known regions, by region code."""

    names: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, code: object) -> bool:
        return code in self.names

    def display_name(self, code: str, language: str) -> str:
        """Return the name of a region, as written inside a sentence; its code if the region is unknown."""
        if code in SHORT_NAMES:
            return SHORT_NAMES[code][language]
        name = self.names.get(code)
        form = FORMS.get(level_of(code) or "", {}).get(language, "{}")
        return code if name is None else form.format(name)


def load_regions(path: Path) -> Regions:
    """Read contract/regions.csv, which has the columns code, parent, level and name."""
    with path.open(encoding="utf-8", newline="") as file:
        return Regions({row["code"]: row["name"] for row in csv.DictReader(file)})

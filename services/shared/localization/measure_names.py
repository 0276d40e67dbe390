"""What a measure counts, in Indonesian and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REGISTERED: Final[Mapping[str, str]] = {"id": "peserta terdaftar", "en": "registered participants"}
STOCK: Final[Mapping[str, str]] = {"id": "peserta data awal", "en": "participants of the baseline"}
THROUGH_STEP: Final[Mapping[str, str]] = {"id": "peserta selesai {}", "en": "participants through {}"}
STEP_TITLES: Final[Mapping[str, Mapping[str, str]]] = {
    "P2": {"id": "pelatihan", "en": "training"},
    "P3": {"id": "pendampingan", "en": "mentoring"},
    "P4": {"id": "perizinan", "en": "licensing"},
    "P5": {"id": "pemasaran", "en": "marketing"},
    "P6": {"id": "pelaporan keuangan", "en": "financial reporting"},
    "P7": {"id": "permodalan", "en": "access to capital"},
}


def counted(measure: str, language: str) -> str:
    """Return what the measure counts, as written after a number: `registered participants`."""
    if measure == "registered":
        return REGISTERED[language]
    if measure == "stock":
        return STOCK[language]
    step = measure.removeprefix("step:")
    if step not in STEP_TITLES:
        return measure
    return THROUGH_STEP[language].format(f"{step} ({STEP_TITLES[step][language]})")

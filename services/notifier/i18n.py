"""Writes sentences about crossings in Indonesian and English, and each language's numbers and times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_decimal

from notifier.domain.alerts import BilingualText
from notifier.domain.rules import EVER
from notifier.region_names import Regions

WIB: Final = ZoneInfo("Asia/Jakarta")
LOCALES: Final = {"id": "id_ID", "en": "en_GB"}
MOMENTS: Final = {"id": "d MMMM y HH.mm 'WIB'", "en": "d MMMM y, HH:mm 'WIB' '(UTC+7)'"}

COUNTED: Final[Mapping[str, Mapping[str, str]]] = {
    "registered": {"id": "peserta terdaftar", "en": "registered participants"},
    "step:P2": {"id": "peserta selesai P2 (pelatihan)", "en": "participants through P2 (training)"},
    "step:P3": {"id": "peserta selesai P3 (pendampingan)", "en": "participants through P3 (mentoring)"},
    "step:P4": {"id": "peserta selesai P4 (perizinan)", "en": "participants through P4 (licensing)"},
    "step:P5": {"id": "peserta selesai P5 (pemasaran)", "en": "participants through P5 (marketing)"},
    "step:P6": {
        "id": "peserta selesai P6 (pelaporan keuangan)",
        "en": "participants through P6 (financial reporting)",
    },
    "step:P7": {"id": "peserta selesai P7 (permodalan)", "en": "participants through P7 (access to capital)"},
}
SCOPES: Final[Mapping[str, Mapping[str, str]]] = {
    "campaign": {"id": "kampanye {}", "en": "campaign {}"},
    "agency": {"id": "instansi {}", "en": "agency {}"},
}
FACTS: Final[Mapping[str, Mapping[str, str]]] = {
    "reached": {
        "id": "{place} mencapai {threshold} {counted}",
        "en": "{place} has reached {threshold} {counted}",
    },
    "target": {
        "id": "{place} mencapai target {target} {counted}",
        "en": "{place} has reached its target of {target} {counted}",
    },
    "share": {
        "id": "{place} mencapai {percent}% target: {threshold} {counted}",
        "en": "{place} has reached {percent}% of its target: {threshold} {counted}",
    },
    "grown": {
        "id": "{place} bertambah {threshold} {counted} sejak {epoch}",
        "en": "{place} has grown by {threshold} {counted} since {epoch}",
    },
}


class Crossed(Protocol):
    """The values of a crossing that a sentence needs."""

    @property
    def scope(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def measure(self) -> str: ...
    @property
    def threshold(self) -> int: ...
    @property
    def epoch_name(self) -> str: ...
    @property
    def percent(self) -> int | None: ...
    @property
    def target(self) -> int | None: ...


def number(value: int, language: str) -> str:
    """Return a number as text: 281.812 in Indonesian, 281,812 in English."""
    text: str = format_decimal(value, locale=LOCALES[language])
    return text


def moment(value: datetime, language: str) -> str:
    """Return a time in Jakarta as text: 21 Oktober 2021 19.05 WIB, or 21 October 2021, 19:05 WIB (UTC+7)."""
    text: str = format_datetime(value, MOMENTS[language], tzinfo=WIB, locale=LOCALES[language])
    return text


@dataclass(frozen=True, slots=True)
class Wording:
    """Writes sentences with the names of regions and epochs."""

    regions: Regions
    epochs: Mapping[str, BilingualText]

    def fact(self, crossed: Crossed, language: str) -> str:
        """Return a sentence about the crossing, without a full stop at its end."""
        pattern = "reached"
        if crossed.epoch_name != EVER:
            pattern = "grown"
        elif crossed.percent is not None:
            pattern = "target" if crossed.percent == 100 else "share"
        title = self.epochs.get(crossed.epoch_name, {}).get(language, crossed.epoch_name)
        sentence = FACTS[pattern][language].format(
            place=self.place(crossed.region, language),
            threshold=number(crossed.threshold, language),
            target=number(crossed.target or crossed.threshold, language),
            percent=crossed.percent,
            counted=self.counted(crossed.measure, language),
            epoch=title,
        )
        scope = self.scope(crossed.scope, language)
        sentence = sentence[0].upper() + sentence[1:]
        return f"{sentence} ({scope})" if scope else sentence

    def place(self, region: str, language: str) -> str:
        """Return the name of a region, as written inside a sentence."""
        return self.regions.display_name(region, language)

    def counted(self, measure: str, language: str) -> str:
        """Return what the measure counts, as written after a number: `registered participants`."""
        return COUNTED[measure][language] if measure in COUNTED else measure

    def scope(self, scope: str, language: str) -> str:
        """Return the scope in words; empty for the scope `all`."""
        kind, _, name = scope.partition(":")
        return SCOPES[kind][language].format(name) if kind in SCOPES else ""

"""Writes sentences about crossings in Indonesian and English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from localization.formats import number
from localization.measure_names import counted
from localization.region_names import RegionNames
from notifier.domain.alerts import BilingualText
from notifier.domain.rules import EVER

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


@dataclass(frozen=True, slots=True)
class Wording:
    """Writes sentences with the names of regions and epochs."""

    regions: RegionNames
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
            counted=counted(crossed.measure, language),
            epoch=title,
        )
        scope = self.scope(crossed.scope, language)
        sentence = sentence[0].upper() + sentence[1:]
        return f"{sentence} ({scope})" if scope else sentence

    def place(self, region: str, language: str) -> str:
        """Return the name of a region, as written inside a sentence."""
        return self.regions.in_sentence(region, language)

    def scope(self, scope: str, language: str) -> str:
        """Return the scope in words; empty for the scope `all`."""
        kind, _, name = scope.partition(":")
        return SCOPES[kind][language].format(name) if kind in SCOPES else ""

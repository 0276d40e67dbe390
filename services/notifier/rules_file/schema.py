"""The shape of the rules file and the targets file: unknown keys, wrong types and odd values are faults."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, RootModel, model_validator
from pydantic.networks import EmailStr

from notifier.domain.rules import EVER

EVERY_MIN: Final = 50
"""A smaller step would tell of every few people: 281,812 participants are 5,636 messages at 50."""
THRESHOLDS_MAX: Final = 200

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
Scope = Annotated[str, Field(pattern=r"^(all|(campaign|agency):[a-z0-9][a-z0-9._-]{0,63})$")]
Measure = Literal["registered", "step:P2", "step:P3", "step:P4", "step:P5", "step:P6", "step:P7"]


def _code(value: Any) -> Any:
    if isinstance(value, int | float):  # YAML reads 31.71 as a number and would lose the zero of 31.70
        raise ValueError(f'a region code is a text: write "{value}" in quotes')  # noqa: TRY004 - for pydantic
    return value


RegionCode = Annotated[
    str, BeforeValidator(_code), Field(pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$", strict=True)
]


def _ascending(values: list[int]) -> list[int]:
    if any(later <= earlier for earlier, later in pairwise(values)):
        raise ValueError("must ascend, each value once")
    return values


Count = Annotated[int, Field(ge=1, le=100_000_000, strict=True)]
Percent = Annotated[int, Field(ge=1, le=1000, strict=True)]


class Entry(BaseModel):
    """What all entries share: nothing unknown, nothing changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Entry):
    """The same words in both languages."""

    id: str = Field(min_length=1, max_length=120)
    en: str = Field(min_length=1, max_length=120)


class EpochEntry(Entry):
    """When growth begins to be measured: at the first cut seen from `opens` on."""

    name: Name
    title: Words
    opens: AwareDatetime

    @model_validator(mode="after")
    def _not_ever(self) -> Self:
        if self.name == EVER:
            raise ValueError("`ever` needs no entry")
        return self


class RuleEntry(Entry):
    """One rule: where (`level` or `regions`) and at which values (`at`, `every` or `percent_of_target`)."""

    id: Name
    title: Words | None = None
    scope: Scope = "all"
    measure: Measure = "registered"
    level: Literal["province", "city", "district", "subdistrict"] | None = None
    regions: Annotated[list[RegionCode], Field(min_length=1)] | None = None
    at: Annotated[list[Count], Field(min_length=1, max_length=THRESHOLDS_MAX)] | None = None
    every: Annotated[int, Field(ge=EVERY_MIN, strict=True)] | None = None
    above: Annotated[int, Field(ge=0, strict=True)] = 0
    percent_of_target: Annotated[list[Percent], Field(min_length=1, max_length=THRESHOLDS_MAX)] | None = None
    epoch: Name = EVER
    rearm_margin: Count | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.level is None) == (self.regions is None):
            raise ValueError("needs either level or regions")
        ways = [self.at, self.every, self.percent_of_target]
        if sum(way is not None for way in ways) != 1:
            raise ValueError("needs exactly one of at, every and percent_of_target")
        if self.above and self.every is None:
            raise ValueError("above belongs to every")
        _ascending(self.at or [])
        _ascending(self.percent_of_target or [])
        return self


class RecipientEntry(Entry):
    """Which regions a recipient is told about: exactly `regions`, and everything `within` others."""

    id: Name
    regions: list[RegionCode] = []
    within: list[RegionCode] = []
    rules: list[Name] | None = None

    @model_validator(mode="after")
    def _told_of_something(self) -> Self:
        if not self.regions and not self.within:
            raise ValueError("needs regions or within")
        return self


class OfficialEntry(RecipientEntry):
    """A person in office, by role: no names."""

    role: Words
    address: EmailStr
    language: Literal["id", "en"] = "id"


class WebhookEntry(RecipientEntry):
    """A system that is called; its address and secret are settings, not rules."""


class RulesFile(Entry):
    """The whole rules file."""

    epochs: list[EpochEntry] = []
    rules: list[RuleEntry]
    officials: list[OfficialEntry] = []
    webhooks: list[WebhookEntry] = []


class TargetEntry(Entry):
    """What is to be reached by when."""

    scope: Scope = "all"
    region: RegionCode
    measure: Measure = "registered"
    value: Count
    by: Annotated[date, Field(strict=True)] | None = None


class TargetsFile(RootModel[list[TargetEntry]]):
    """The whole targets file: a list."""

    root: list[TargetEntry] = []

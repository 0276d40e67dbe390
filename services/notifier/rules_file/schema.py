"""The schema of the rules file and the targets file. Unknown keys and wrong types are errors."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, RootModel, model_validator

from notifier.domain.rules import EVER
from notifier.email_address import EmailAddress

EVERY_MIN: Final = 50
"""A smaller step would cause too many alerts: even a step of 50 causes 5,636 at 281,812 participants."""
THRESHOLDS_MAX: Final = 200
FALLBACKS_MAX: Final = 5

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
Scope = Annotated[str, Field(pattern=r"^(all|(campaign|agency):[a-z0-9][a-z0-9._-]{0,63})$")]
Measure = Literal["registered", "step:P2", "step:P3", "step:P4", "step:P5", "step:P6", "step:P7"]


def _reject_number(value: Any) -> Any:
    if isinstance(value, int | float):  # YAML reads an unquoted 31.70 as the number 31.7
        raise ValueError(f'a region code is a string: write "{value}" in quotes')  # noqa: TRY004 - pydantic reports only a ValueError
    return value


RegionCode = Annotated[
    str, BeforeValidator(_reject_number), Field(pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$", strict=True)
]


def _check_ascending(values: list[int]) -> list[int]:
    if any(later <= earlier for earlier, later in pairwise(values)):
        raise ValueError("must be in ascending order without repeats")
    return values


Count = Annotated[int, Field(ge=1, le=100_000_000, strict=True)]
Percent = Annotated[int, Field(ge=1, le=1000, strict=True)]


class Entry(BaseModel):
    """The base of all entries. An entry is immutable and rejects unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BilingualEntry(Entry):
    """A text in Indonesian and English."""

    id: str = Field(min_length=1, max_length=120)
    en: str = Field(min_length=1, max_length=120)


class EpochEntry(Entry):
    """An epoch. Its growth is measured from the first evaluated cut whose time is not before `opens`."""

    name: Name
    title: BilingualEntry
    opens: AwareDatetime

    @model_validator(mode="after")
    def _check_name(self) -> Self:
        if self.name == EVER:
            raise ValueError("`ever` is built in and needs no entry")
        return self


class RuleEntry(Entry):
    """A rule. It has either `level` or `regions`, and one of `at`, `every` and `percent_of_target`."""

    id: Name
    title: BilingualEntry | None = None
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
    def _check_alternatives(self) -> Self:
        if (self.level is None) == (self.regions is None):
            raise ValueError("needs either level or regions")
        kinds = [self.at, self.every, self.percent_of_target]
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("needs exactly one of at, every and percent_of_target")
        if self.above and self.every is None:
            raise ValueError("above requires every")
        _check_ascending(self.at or [])
        _check_ascending(self.percent_of_target or [])
        return self


class RecipientEntry(Entry):
    """A recipient of alerts.

    A region in `within` includes all regions inside it; a region in `regions` does not.
    """

    id: Name
    regions: list[RegionCode] = []
    within: list[RegionCode] = []
    rules: list[Name] | None = None

    @model_validator(mode="after")
    def _check_regions(self) -> Self:
        if not self.regions and not self.within:
            raise ValueError("needs regions or within")
        return self


class FallbackEntry(Entry):
    """A further channel of an official: either an e-mail address or the name of a webhook."""

    address: EmailAddress | None = None
    webhook: Name | None = None

    @model_validator(mode="after")
    def _check_alternatives(self) -> Self:
        if (self.address is None) == (self.webhook is None):
            raise ValueError("needs either address or webhook")
        return self


class OfficialEntry(RecipientEntry):
    """An official. The entry has the official's role and e-mail address, but no personal name.

    If an alert cannot be delivered to `address`, the channels in `fallbacks` are used in their order.
    """

    role: BilingualEntry
    address: EmailAddress
    fallbacks: Annotated[list[FallbackEntry], Field(max_length=FALLBACKS_MAX)] = []
    language: Literal["id", "en"] = "id"

    @model_validator(mode="after")
    def _check_fallbacks(self) -> Self:
        channels = [FallbackEntry(address=self.address), *self.fallbacks]
        if any(channel in channels[:number] for number, channel in enumerate(channels)):
            raise ValueError("fallbacks must not repeat an address or a webhook")
        return self


class WebhookEntry(RecipientEntry):
    """A webhook. Its URL and secret are in the settings, not in the rules file."""


class RulesFile(Entry):
    """The whole rules file."""

    epochs: list[EpochEntry] = []
    rules: list[RuleEntry]
    officials: list[OfficialEntry] = []
    webhooks: list[WebhookEntry] = []


class TargetEntry(Entry):
    """A target, and optionally the day by which the target is to be reached."""

    scope: Scope = "all"
    region: RegionCode
    measure: Measure = "registered"
    value: Count
    by: Annotated[date, Field(strict=True)] | None = None


class TargetsFile(RootModel[list[TargetEntry]]):
    """The whole targets file, which is a list."""

    root: list[TargetEntry] = []

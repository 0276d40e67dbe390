"""The pydantic models of the request bodies.

Validate with a `Vocabulary` as context: `RegisterBody.model_validate_json(body, context=vocabulary)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

import msgspec
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from problems.json_schema import omit_defaults
from registration.domain import names, nik, phone
from registration.regions import Regions
from registration.requests.field_error_messages import field_error

NAME_LENGTH_MAX: Final = 120
AHEAD_S_MAX: Final = 600.0
# The programme began in 2018, so dates long before 2018 are errors. The limit also keeps dates such as the
# year 1 away from the database driver.
OCCURRED_S_MIN: Final = datetime(2015, 1, 1, tzinfo=UTC).timestamp()

VALIDITY_BEGUN_S_MAX: Final = 3_600.0
VALIDITY_AHEAD_S_MAX: Final = 366 * 86_400.0

# Date and time of ISO 8601 in the extended or basic form, with an offset.
ISO_8601: Final = re.compile(
    r"\d{4}(-?)\d\d\1\d\d[T ]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?)?(?:Z|[+-]\d\d(?::?\d\d)?)", re.ASCII
)

Category = Literal["kuliner", "fesyen", "kerajinan", "jasa", "lainnya"]
Step = Literal["P2", "P3", "P4", "P5", "P6", "P7"]


class Vocabulary(msgspec.Struct, frozen=True):
    """The ids that a body may contain, and the time at which the body arrived."""

    regions: Regions
    consents: Container[str]
    campaigns: Container[str]
    agencies: Container[str]
    now: datetime


def _vocabulary(info: ValidationInfo) -> Vocabulary:
    assert isinstance(info.context, Vocabulary), "the validation context must be a Vocabulary"
    return info.context


def _nik(value: str) -> str:
    digits = nik.normalize(value)
    fault = nik.fault(digits)
    if fault is not None:
        raise field_error(fault)
    return digits


def _phone(value: str) -> str:
    number = phone.e164(value)
    if number is None:
        raise field_error("phone")
    return number


def _name(value: str) -> str:
    fault = names.fault(value)
    if fault is not None:
        raise field_error(fault)
    return names.normalize(value)


def _region(value: str, info: ValidationInfo) -> str:
    fault = _vocabulary(info).regions.fault(value)
    if fault is not None:
        raise field_error(fault)
    return value


def _known_id(
    kind: str, known_ids: Callable[[Vocabulary], Container[str]]
) -> Callable[[str, ValidationInfo], str]:
    def check(value: str, info: ValidationInfo) -> str:
        if value not in known_ids(_vocabulary(info)):
            raise field_error(f"{kind}_unknown")
        return value

    return check


def _iso_8601(value: object) -> datetime:
    """Parse date and time with an offset. Numbers are refused, because their unit would be a guess."""
    if not (isinstance(value, str) and ISO_8601.fullmatch(value)):
        raise field_error("occurred_at_format")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise field_error("occurred_at_format") from None


def _occurred_at(value: datetime, info: ValidationInfo) -> datetime:
    # Numbers are compared because that is faster: to compare datetimes, Python computes both UTC offsets.
    at_s = value.timestamp()
    if at_s < OCCURRED_S_MIN:
        raise field_error("too_long_ago")
    if at_s > _vocabulary(info).now.timestamp() + AHEAD_S_MAX:
        raise field_error("in_the_future")
    return value


def _valid_from(value: datetime, info: ValidationInfo) -> datetime:
    ahead_s = value.timestamp() - _vocabulary(info).now.timestamp()
    if ahead_s < -VALIDITY_BEGUN_S_MAX:
        raise field_error("too_long_ago")
    if ahead_s > VALIDITY_AHEAD_S_MAX:
        raise field_error("too_far_ahead")
    return value


Nik = Annotated[
    str,
    AfterValidator(_nik),
    Field(description="16 digits; blanks, dots and hyphens between them are removed"),
]
Phone = Annotated[str, Field(min_length=1, max_length=phone.LENGTH_MAX), AfterValidator(_phone)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX), AfterValidator(_name)]
Region = Annotated[str, AfterValidator(_region)]
Consent = Annotated[str, AfterValidator(_known_id("consent", lambda vocabulary: vocabulary.consents))]
Campaign = Annotated[str, AfterValidator(_known_id("campaign", lambda vocabulary: vocabulary.campaigns))]
Agency = Annotated[str, AfterValidator(_known_id("agency", lambda vocabulary: vocabulary.agencies))]
Booth = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
ValidFrom = Annotated[AwareDatetime, BeforeValidator(_iso_8601), AfterValidator(_valid_from)]
OccurredAt = Annotated[AwareDatetime, BeforeValidator(_iso_8601), AfterValidator(_occurred_at)]


class _Body(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, json_schema_extra=omit_defaults
    )


class Business(_Body):
    """The business that a participant runs."""

    name: Name
    category: Category


class RegisterBody(_Body):
    """Register a person (`POST /v1/participants`)."""

    name: Name
    nik: Nik
    region: Region
    consent: Consent
    phone: Phone | None = None
    business: Business | None = None
    agency: Agency | None = None
    campaign: Campaign | None = None
    booth: Booth | None = None
    occurred_at: OccurredAt | None = None


class MoveBody(_Body):
    """Move a participant to another region (`POST /v1/participants/{id}/move`)."""

    region: Region
    occurred_at: OccurredAt | None = None


class StepBody(_Body):
    """Complete a step (`POST /v1/participants/{id}/steps`)."""

    step: Step
    occurred_at: OccurredAt | None = None


class CorrectBody(_Body):
    """Correct the given fields; null removes an optional value (`POST /v1/participants/{id}/correct`)."""

    # These three fields may be omitted but not be null. Their defaults are never used as
    # values, because `model_fields_set` tells which fields the body contains.
    name: Name = ""
    region: Region = ""
    steps: Annotated[list[Step], Field(max_length=6)] = []
    phone: Phone | None = None
    business: Business | None = None
    agency: Agency | None = None
    campaign: Campaign | None = None
    occurred_at: OccurredAt | None = None

    @model_validator(mode="after")
    def _something_given(self) -> Self:
        if not self.model_fields_set - {"occurred_at"}:
            raise field_error("nothing_given")
        return self


class WithdrawBody(_Body):
    """Withdraw a participant (`POST /v1/participants/{id}/withdraw`)."""

    occurred_at: OccurredAt | None = None


class MergeBody(_Body):
    """Merge a participant into the participant `into`, which remains (`POST /v1/participants/{id}/merge`)."""

    into: UUID
    occurred_at: OccurredAt | None = None


class LookupBody(_Body):
    """Find a participant by NIK (`POST /v1/participants/lookup`)."""

    nik: Nik


class VenueCodeBody(_Body):
    """Create the code of a venue (`POST /v1/venue-codes`). Without `valid_from` it is valid from now on."""

    venue: Name
    valid_from: ValidFrom | None = None
    valid_h: Annotated[int, Field(ge=1, le=24, description="Hours, for a day or a night; 12 if missing")] = 12


class ScopeBody(_Body):
    """Open a campaign or an agency (`POST /v1/campaigns`, `POST /v1/agencies`)."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    name: Name

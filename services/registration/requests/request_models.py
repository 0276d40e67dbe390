"""What callers may send: the request bodies, checked against the register's vocabulary.

Validate with a `Vocabulary` as context: `RegisterBody.model_validate_json(body, context=vocabulary)`.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

import msgspec
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from registration.domain import names, nik, phone
from registration.regions import Regions
from registration.requests.field_errors import error

NAME_LENGTH_MAX: Final = 120
AHEAD_S_MAX: Final = 600.0
# The programme began in 2018; nothing can have occurred long before, and no driver meets the year 1.
OCCURRED_S_MIN: Final = datetime(2015, 1, 1, tzinfo=UTC).timestamp()

Category = Literal["kuliner", "fesyen", "kerajinan", "jasa", "lainnya"]
Step = Literal["P2", "P3", "P4", "P5", "P6", "P7"]


class Vocabulary(msgspec.Struct, frozen=True):
    """What a body may name, and the time it came in."""

    regions: Regions
    consents: Container[str]
    campaigns: Container[str]
    agencies: Container[str]
    now: datetime


def _vocabulary(info: ValidationInfo) -> Vocabulary:
    assert isinstance(info.context, Vocabulary), "bodies are validated with a vocabulary"
    return info.context


def _nik(value: str) -> str:
    fault = nik.fault(value)
    if fault is not None:
        raise error(fault)
    return value


def _phone(value: str) -> str:
    number = phone.e164(value)
    if number is None:
        raise error("phone")
    return number


def _name(value: str) -> str:
    fault = names.fault(value)
    if fault is not None:
        raise error(fault)
    return names.normalize(value)


def _region(value: str, info: ValidationInfo) -> str:
    fault = _vocabulary(info).regions.fault(value)
    if fault is not None:
        raise error(fault)
    return value


def _one_of(kind: str, known: Callable[[Vocabulary], Container[str]]) -> Callable[[str, ValidationInfo], str]:
    def check(value: str, info: ValidationInfo) -> str:
        if value not in known(_vocabulary(info)):
            raise error(f"{kind}_unknown")
        return value

    return check


def _occurred(value: datetime, info: ValidationInfo) -> datetime:
    at_s = value.timestamp()  # comparing moments of two offsets asks both for theirs, each time
    if at_s < OCCURRED_S_MIN:
        raise error("too_long_ago")
    if at_s > _vocabulary(info).now.timestamp() + AHEAD_S_MAX:
        raise error("in_the_future")
    return value


Nik = Annotated[str, AfterValidator(_nik), Field(json_schema_extra={"pattern": "^[0-9]{16}$"})]
Phone = Annotated[str, Field(min_length=1, max_length=phone.LENGTH_MAX), AfterValidator(_phone)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX), AfterValidator(_name)]
Region = Annotated[str, AfterValidator(_region)]
Consent = Annotated[str, AfterValidator(_one_of("consent", lambda known: known.consents))]
Campaign = Annotated[str, AfterValidator(_one_of("campaign", lambda known: known.campaigns))]
Agency = Annotated[str, AfterValidator(_one_of("agency", lambda known: known.agencies))]
Booth = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
OccurredAt = Annotated[AwareDatetime, AfterValidator(_occurred)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Business(_Body):
    """What a participant runs."""

    name: Name
    category: Category


class RegisterBody(_Body):
    """`POST /v1/participants`."""

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
    """`POST /v1/participants/{id}/move`."""

    region: Region
    occurred_at: OccurredAt | None = None


class StepBody(_Body):
    """`POST /v1/participants/{id}/steps`."""

    step: Step
    occurred_at: OccurredAt | None = None


class CorrectBody(_Body):
    """`POST /v1/participants/{id}/correct`: only what is given changes; null takes away what may be so."""

    # What may not be absent may not be null; the defaults only stand for 'not given'.
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
            raise error("nothing_given")
        return self


class WithdrawBody(_Body):
    """`POST /v1/participants/{id}/withdraw`."""

    occurred_at: OccurredAt | None = None


class MergeBody(_Body):
    """`POST /v1/participants/{id}/merge`: the participant of the path is given up in favour of `into`."""

    into: UUID
    occurred_at: OccurredAt | None = None


class LookupBody(_Body):
    """`POST /v1/participants/lookup`."""

    nik: Nik


class ScopeBody(_Body):
    """`POST /v1/campaigns` and `/v1/agencies`."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    name: Name


def documented(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """The OpenAPI `requestBody` of a model, its definitions written out in place."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def inlined(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return inlined(definitions[node["$ref"].rsplit("/", 1)[1]])
            return {key: inlined(value) for key, value in node.items()}
        return [inlined(each) for each in node] if isinstance(node, list) else node

    return {
        "requestBody": {"required": required, "content": {"application/json": {"schema": inlined(schema)}}}
    }

"""The response models of the API and their JSON, in which NIKs and phone numbers are masked."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from pydantic import BaseModel

from registration.cipher import PHONE_ASSOCIATED_DATA, Cipher, nik_associated_data
from registration.domain import nik, phone
from registration.domain.cloud_event import utc_text
from registration.domain.idempotent_operation import Answer
from registration.requests.request_models import Category
from registration.store.register_rows import participant_of


class AnswerView(BaseModel):
    """The answer to a registration or a change: the participant's region and revision after it."""

    participant_id: UUID
    region: str
    revision: int
    recorded_at: datetime


class BusinessView(BaseModel):
    """The business that a participant runs."""

    name: str
    category: Category


class ParticipantView(BaseModel):
    """A participant as API key holders see them. Name, NIK, phone and business are null after an erasure."""

    participant_id: UUID
    standing: str
    region: str
    agency: str | None
    campaign: str | None
    steps: list[str]
    revision: int
    name: str | None
    nik: str | None
    phone: str | None
    business: BusinessView | None
    channel: str
    booth: str | None
    occurred_at: datetime | None
    recorded_at: datetime
    changed_at: datetime
    merged_into: UUID | None


class FormerRegistrationsView(BaseModel):
    """What the register had of a participant before each return, the oldest first."""

    items: list[ParticipantView]


class ScopeView(BaseModel):
    """A campaign or an agency."""

    id: str
    name: str


class ScopesView(BaseModel):
    """All open campaigns or all open agencies, sorted by id."""

    items: list[ScopeView]


class VenueCodeView(BaseModel):
    """The code of a venue, and the link to the form that contains it."""

    code: str
    venue: str
    valid_from: datetime
    valid_until: datetime
    link: str


class VenueCodesView(BaseModel):
    """The codes that are valid now or later, sorted by the begin of their validity."""

    items: list[VenueCodeView]


class RegionView(BaseModel):
    """A region; `level` is province, city, district or subdistrict."""

    code: str
    parent: str | None
    level: str
    name: str


class RegionsView(BaseModel):
    """All regions. Each region comes after its parent."""

    regions: list[RegionView]


def answer_headers(answer: Answer) -> dict[str, str]:
    """Return the response headers of an answer that is `done`: ETag, Location, Idempotent-Replayed.

    `no-transform` keeps proxies from compressing the response, which would make its tag weak.
    """
    headers = {
        "etag": f'"{answer.revision}"',
        "cache-control": "no-transform",
        "location": f"/v1/participants/{answer.participant_id}",
    }
    if answer.replayed:
        headers["idempotent-replayed"] = "true"
    return headers


def answer_json(answer: Answer) -> bytes:
    """Return the JSON of the `AnswerView` of an answer that is `done`."""
    assert answer.recorded_at is not None, "a `done` answer has the time of its transaction"
    return msgspec.json.encode(
        {
            "participant_id": answer.participant_id,
            "region": answer.region,
            "revision": answer.revision,
            "recorded_at": utc_text(answer.recorded_at),
        }
    )


def participant_json(row: Any, cipher: Cipher) -> bytes:
    """Return the JSON of the `ParticipantView` of a row of the table `participant`."""
    participant = participant_of(row)
    person, standing = participant.person, participant.standing
    masked_nik = None
    if person.nik_cipher is not None and person.nik_hmac is not None:
        masked_nik = nik.mask(cipher.open(person.nik_cipher, nik_associated_data(person.nik_hmac)))
    masked_phone = None
    if person.phone_cipher is not None:
        masked_phone = phone.mask(cipher.open(person.phone_cipher, PHONE_ASSOCIATED_DATA))
    return msgspec.json.encode(
        {
            "participant_id": participant.id,
            "standing": participant.status.value,
            "region": standing.region,
            "agency": standing.agency,
            "campaign": standing.campaign,
            "steps": standing.steps,
            "revision": participant.revision,
            "name": person.name,
            "nik": masked_nik,
            "phone": masked_phone,
            "business": msgspec.Raw(person.business.encode()) if person.business is not None else None,
            "channel": person.channel,
            "booth": person.booth,
            "occurred_at": utc_text(person.occurred_at) if person.occurred_at is not None else None,
            "recorded_at": utc_text(row["recorded_at"]),
            "changed_at": utc_text(row["changed_at"]),
            "merged_into": participant.merged_into,
        }
    )

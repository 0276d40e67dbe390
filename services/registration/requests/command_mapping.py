"""Maps valid request bodies and import rows to commands, and encrypts their personal data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol
from uuid import UUID

import msgspec

from registration.cipher import PHONE_ASSOCIATED_DATA, Cipher, nik_associated_data
from registration.domain.commands import (
    Command,
    CompleteStepsCommand,
    CorrectCommand,
    MergeCommand,
    MoveCommand,
    RegisterCommand,
    WithdrawCommand,
)
from registration.domain.participant import Person, Standing
from registration.requests.request_models import (
    CorrectBody,
    MergeBody,
    MoveBody,
    RegisterBody,
    StepBody,
    WithdrawBody,
)

ChangeBody = MoveBody | StepBody | CorrectBody | WithdrawBody | MergeBody

COPIED_FIELDS: Final = (RegisterBody.model_fields.keys() & Person.__struct_fields__) - {"business"}
"""The fields of a registration that are stored as they are. `business` is stored as a JSON text."""


class BusinessForm(Protocol):
    """A valid business, from a request body (`Business`) or from a row of an import."""

    @property
    def name(self) -> str: ...
    @property
    def category(self) -> str: ...


class RegistrationForm(Protocol):
    """A valid registration, from a request body (`RegisterBody`) or from a row of an import.

    It has all fields of `RegisterBody`. These are the fields that are not stored as they are.
    """

    @property
    def nik(self) -> str: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def business(self) -> BusinessForm | None: ...
    @property
    def region(self) -> str: ...
    @property
    def agency(self) -> str | None: ...
    @property
    def campaign(self) -> str | None: ...


def register_command(
    body: RegistrationForm,
    cipher: Cipher,
    channel: str,
    new_id: Callable[[], UUID],
    *,
    steps: tuple[str, ...] = (),
    import_id: str | None = None,
    stock: bool = False,
) -> RegisterCommand:
    """Return the command that registers a person. `steps` must be sorted and unique."""
    fingerprint = cipher.nik_hmac(body.nik)
    person = Person(
        nik_hmac=fingerprint,
        nik_cipher=cipher.seal(body.nik, nik_associated_data(fingerprint)),
        phone_cipher=sealed_phone(body.phone, cipher),
        cipher_key_id=cipher.key_id,
        business=business_text(body.business),
        channel=channel,
        import_id=import_id,
        **{field: getattr(body, field) for field in COPIED_FIELDS},
    )
    standing = Standing(body.region, body.agency, body.campaign, steps, stock)
    return RegisterCommand(new_id(), standing, person)


def change_command(body: ChangeBody, participant_id: UUID, expected: int | None, cipher: Cipher) -> Command:
    """Return the command that changes a participant.

    `expected` is the revision that the header If-Match gives; None without the header.
    """
    occurred_at = body.occurred_at
    if isinstance(body, MoveBody):
        return MoveCommand(
            id=participant_id, expected_revision=expected, occurred_at=occurred_at, region=body.region
        )
    if isinstance(body, StepBody):
        return CompleteStepsCommand(
            id=participant_id, expected_revision=expected, occurred_at=occurred_at, steps=(body.step,)
        )
    if isinstance(body, WithdrawBody):
        return WithdrawCommand(id=participant_id, expected_revision=expected, occurred_at=occurred_at)
    if isinstance(body, MergeBody):
        return MergeCommand(
            id=participant_id, expected_revision=expected, occurred_at=occurred_at, into=body.into
        )
    given = {field: getattr(body, field) for field in body.model_fields_set}
    standing = {field: given[field] for field in Standing.__struct_fields__ if field in given}
    if "steps" in given:
        standing["steps"] = tuple(sorted(set(body.steps)))
    person = {field: given[field] for field in COPIED_FIELDS - {"occurred_at"} if field in given}
    if "phone" in given:
        person["phone_cipher"] = sealed_phone(body.phone, cipher)
    if "business" in given:
        person["business"] = business_text(body.business)
    return CorrectCommand(
        id=participant_id,
        expected_revision=expected,
        occurred_at=occurred_at,
        standing=standing,
        person=person,
    )


def business_text(business: BusinessForm | None) -> str | None:
    """Return the stored form of a business: a JSON object as text."""
    if business is None:
        return None
    return msgspec.json.encode({"name": business.name, "category": business.category}).decode()


def sealed_phone(phone: str | None, cipher: Cipher) -> bytes | None:
    """Return the stored form of a phone number, which is encrypted; None if there is no number."""
    return cipher.seal(phone, PHONE_ASSOCIATED_DATA) if phone is not None else None

"""A participant with its status, standing (the counted fields), revision and personal data."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

PUBLIC_CHANNEL: Final = "web"
"""The channel of people who register themselves, without an API key."""


class Status(StrEnum):
    """The status of a participant; only registered participants are counted."""

    REGISTERED = "registered"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """The fields of a participant that are counted. `steps` are sorted and unique.

    `stock` is whether the participant belongs to the baseline, which an import adds, and was not registered
    live. An event has this field only if it is true. All other fields have no default, because an event
    always has them.
    """

    region: str
    agency: str | None
    campaign: str | None
    steps: tuple[str, ...]
    stock: bool = False


class Person(msgspec.Struct, frozen=True):
    """The personal data of a participant, and where the data came from.

    The NIK and the phone number are encrypted. `business` is the text of a JSON object. An erasure sets all
    optional fields except `booth` and `occurred_at` to None. Each field has a column of the same name.
    """

    nik_hmac: bytes | None
    nik_cipher: bytes | None
    phone_cipher: bytes | None
    cipher_key_id: str
    name: str | None
    business: str | None
    consent: str
    channel: str
    booth: str | None = None
    occurred_at: datetime | None = None
    import_id: str | None = None


class Participant(msgspec.Struct, frozen=True):
    """A participant as the register stores it. `merged_into` is None unless the status is MERGED."""

    id: UUID
    status: Status
    standing: Standing
    revision: int
    person: Person
    merged_into: UUID | None = None

    @property
    def counted_standing(self) -> Standing | None:
        """The standing if the participant is counted, else None."""
        return self.standing if self.status is Status.REGISTERED else None

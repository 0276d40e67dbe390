"""What the register holds of a participant, and what of it counts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

STEPS: Final = ("P2", "P3", "P4", "P5", "P6", "P7")


class Status(StrEnum):
    """Whether a participant counts; only a registered one does."""

    REGISTERED = "registered"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


class Standing(msgspec.Struct, frozen=True):
    """What of a participant counts. `steps` are sorted and unique."""

    region: str
    agency: str | None = None
    campaign: str | None = None
    steps: tuple[str, ...] = ()


class Person(msgspec.Struct, frozen=True):
    """What the register knows of a person beside the standing, its NIK and phone sealed.

    `business` is a JSON object as text. All but consent and origin is None once erased.
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
    """A participant as the register holds them."""

    id: UUID
    status: Status
    standing: Standing
    revision: int
    person: Person
    merged_into: UUID | None = None

    @property
    def counted(self) -> Standing | None:
        """The standing that tallies hold of this participant now."""
        return self.standing if self.status is Status.REGISTERED else None

    @property
    def erased(self) -> bool:
        """Whether the personal data were erased: the NIK's HMAC goes only then."""
        return self.person.nik_hmac is None

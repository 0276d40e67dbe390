"""Compares a row of a file with the participant that the register already has under the row's NIK."""

from __future__ import annotations

from typing import Final

import msgspec

from registration.cipher import PHONE_ASSOCIATED_DATA, Cipher
from registration.domain.commands import RegisterCommand
from registration.domain.participant import Participant

STANDING_COLUMNS: Final = ("region", "agency", "campaign", "steps")


class RowComparison:
    """Compares the columns that an officer can correct. An empty cell says nothing, so it never differs."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    def differing_columns(self, row: RegisterCommand, stored: Participant) -> list[str]:
        """Return the names of the columns whose values in the row differ from those in the register."""
        given = self._columns(row)
        known = self._columns(stored)
        return [name for name, value in given.items() if value and value != known[name]]

    def _columns(self, registration: RegisterCommand | Participant) -> dict[str, object]:
        person, standing = registration.person, registration.standing
        phone = person.phone_cipher
        business = msgspec.json.decode(person.business) if person.business else {}
        return {
            "name": person.name,
            "phone": self._cipher.open(phone, PHONE_ASSOCIATED_DATA) if phone else None,
            "business_name": business.get("name"),
            "business_category": business.get("category"),
            **{name: getattr(standing, name) for name in STANDING_COLUMNS},
        }

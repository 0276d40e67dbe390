"""Links to the result page of a registration."""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from registration.cipher import Cipher

PATH: Final = "/daftar/diterima"


class ResultLinks:
    """Makes and checks links. They are signed, so that the page confirms only real registrations."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    def link(self, participant_id: UUID, venue: str | None) -> str:
        """Return the link to the result of a registration, with the code of the venue if there is one."""
        query = {"nomor": str(participant_id), "tanda": self._signature(participant_id)}
        return f"{PATH}?{urlencode(query | ({'lokasi': venue} if venue else {}))}"

    def participant(self, number: str, signature: str) -> UUID | None:
        """Return the participant's id that a link contains; None if this register did not sign the link."""
        try:
            participant_id = UUID(number)
        except ValueError:
            return None
        expected = self._signature(participant_id)
        return participant_id if hmac.compare_digest(expected.encode(), signature.encode()) else None

    def _signature(self, participant_id: UUID) -> str:
        return self._cipher.result_hmac(participant_id.bytes).hex()[:32]

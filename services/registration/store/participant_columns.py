"""How participants are sent to the database: a column each, as an array literal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from registration.domain.participant import Person, Standing
from registration.store.array_literals import binaries, texts


def columns(people: Sequence[Person], standings: Sequence[Standing]) -> dict[str, str]:
    """What participants are beside their ids and NIK fingerprints, in the order given."""
    return {
        "nik_ciphers": binaries([person.nik_cipher for person in people]),
        "phone_ciphers": binaries([person.phone_cipher for person in people]),
        "cipher_key_ids": texts([person.cipher_key_id for person in people]),
        "names": texts([person.name for person in people]),
        "businesses": texts([person.business for person in people]),
        "consents": texts([person.consent for person in people]),
        "channels": texts([person.channel for person in people]),
        "booths": texts([person.booth for person in people]),
        "occurred_ats": texts([_text(person.occurred_at) for person in people]),
        "import_ids": texts([person.import_id for person in people]),
        "regions": texts([standing.region for standing in standings]),
        "agencies": texts([standing.agency for standing in standings]),
        "campaigns": texts([standing.campaign for standing in standings]),
        "steps": texts([",".join(standing.steps) for standing in standings]),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()

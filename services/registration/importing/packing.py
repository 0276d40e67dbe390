"""A checked chunk as it is sent to the database: columns as array literals, events as texts.

Made beside the process that writes, where there is time. What only the register can know, an event's sequence
and time, stands in the texts as placeholders that the statement replaces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from registration.domain import Decision, Happened, Refused, decide
from registration.events import Draft, utc_text, written
from registration.importing.checking import CHANNEL, Checked, Placed, Rejected
from registration.importing.literals import binaries, numbers, texts, uuids

NO_TIME: Final = datetime(1, 1, 1, tzinfo=UTC)
# Both stand in an event once: within a JSON text no quotation mark stands unescaped.
TIME_PLACE: Final = f'"time":"{utc_text(NO_TIME)}"'
SEQUENCE_PLACE: Final = '"sequence":0,'

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(list[Placed])


class Packed(msgspec.Struct, frozen=True):
    """A chunk ready to be written. `participants` and `events` are the arguments of their statements.

    `registrations` holds the same people once more, to be unpacked where one of their NIKs was known.
    """

    last_row: int
    count: int
    participants: dict[str, str]
    events: dict[str, str]
    partitions: list[int]
    registrations: bytes
    rejected: list[Rejected]

    @property
    def rows(self) -> int:
        """How many rows it has, blank ones aside."""
        return self.count + len({one.row for one in self.rejected})

    def unpacked(self) -> Checked:
        """The chunk as it was checked, in row order."""
        placed = sorted(_DECODER.decode(self.registrations), key=lambda one: one.row)
        return Checked(self.last_row, placed, self.rejected)


def pack(checked: Checked, new_id: Callable[[], UUID]) -> Packed:
    """Pack a chunk, its people sorted by the fingerprint of their NIK, as locks are taken."""
    placed = sorted(checked.placed, key=lambda one: one.nik_hmac)
    drafts = [Draft(new_id(), only_event(decide(one.command, None)), CHANNEL) for one in placed]
    partitions = [draft.partition for draft in drafts]
    return Packed(
        checked.last_row,
        len(placed),
        _participants(placed),
        _events(drafts, partitions),
        sorted(set(partitions)),
        _ENCODER.encode(placed),
        checked.rejected,
    )


def only_event(decision: Decision) -> Happened:
    """The one event of a decision that cannot be a refusal."""
    assert not isinstance(decision, Refused), "an unknown NIK can always register"
    (event,) = decision
    return event


def _participants(placed: Sequence[Placed]) -> dict[str, str]:
    people = [one.command.person for one in placed]
    standings = [one.command.standing for one in placed]
    return {
        "ids": uuids(one.command.id for one in placed),
        "nik_hmacs": binaries(person.nik_hmac for person in people),
        "nik_ciphers": binaries(person.nik_cipher for person in people),
        "phone_ciphers": binaries(person.phone_cipher for person in people),
        "cipher_key_ids": texts([person.cipher_key_id for person in people]),
        "names": texts([person.name for person in people]),
        "businesses": texts([person.business for person in people]),
        "consents": texts([person.consent for person in people]),
        "channels": texts([person.channel for person in people]),
        "booths": texts([person.booth for person in people]),
        "occurred_ats": texts(
            [person.occurred_at.isoformat() if person.occurred_at else None for person in people]
        ),
        "import_ids": texts([person.import_id for person in people]),
        "regions": texts([standing.region for standing in standings]),
        "agencies": texts([standing.agency for standing in standings]),
        "campaigns": texts([standing.campaign for standing in standings]),
        "steps": texts([",".join(standing.steps) for standing in standings]),
    }


def _events(drafts: Sequence[Draft], partitions: Sequence[int]) -> dict[str, str]:
    """`places` counts an event's place among those of its partition, from 1."""
    seen: Counter[int] = Counter()
    places = []
    for partition in partitions:
        seen[partition] += 1
        places.append(seen[partition])
    return {
        "partitions": numbers(partitions),
        "places": numbers(places),
        "ids": uuids(draft.id for draft in drafts),
        "participant_ids": uuids(draft.happened.after.id for draft in drafts),
        # JSON as we write it has no line break.
        "event_lines": "\n".join([written(draft, 0, NO_TIME).value for draft in drafts]),
    }

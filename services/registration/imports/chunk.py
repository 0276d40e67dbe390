"""A checked chunk as it is sent to the database: columns as array literals, events as texts.

Made beside the process that writes, where there is time. What only the register can know, an event's sequence
and time, stands in the texts as placeholders that the statement replaces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from registration.domain.decide import Decision, Event, EventType, Refused
from registration.domain.partitioning import partition_of
from registration.imports.event_template import EventTemplate
from registration.imports.row_validation import CHANNEL, AcceptedRow, RejectedCell, ValidatedChunk
from registration.store import event_columns, participant_columns
from registration.store.array_literals import binaries, texts

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(list[AcceptedRow])
_PATTERN: Final = EventTemplate(CHANNEL)


class PackedChunk(msgspec.Struct, frozen=True):
    """A chunk ready to be written. `participants` and `events` are as `store.write_rows` takes them.

    `registrations` holds the same people once more, to be unpacked where one of their NIKs was known.
    """

    last_row: int
    count: int
    participants: dict[str, int | str]
    events: dict[str, str]
    registrations: bytes
    rejected: list[RejectedCell]

    @property
    def rows(self) -> int:
        """How many rows it has, blank ones aside."""
        return self.count + len({one.row for one in self.rejected})

    def unpacked(self) -> ValidatedChunk:
        """The chunk as it was checked, in row order."""
        placed = sorted(_DECODER.decode(self.registrations), key=lambda one: one.row)
        return ValidatedChunk(self.last_row, placed, self.rejected)


def pack(checked: ValidatedChunk, new_id: Callable[[], object]) -> PackedChunk:
    """Pack a chunk, its people sorted by the fingerprint of their NIK, as locks are taken.

    `new_id` makes a UUID, whose text is taken for an event's id.
    """
    placed = sorted(checked.placed, key=lambda one: one.nik_hmac)
    ids = [str(one.command.id) for one in placed]
    occurred = [_text(one.command.person.occurred_at) for one in placed]
    partitions = [partition_of(one.command.id) for one in placed]
    event_ids = [str(new_id()) for _ in placed]
    return PackedChunk(
        checked.last_row,
        len(placed),
        _participants(placed, ids),
        event_columns.columns(
            partitions,
            ids=texts(event_ids),
            participants=texts(ids),
            types=[EventType.REGISTERED.value] * len(placed),
            texts=_lines(placed, event_ids, ids, partitions, occurred),
        ),
        _ENCODER.encode(placed),
        checked.rejected,
    )


def only_event(decision: Decision) -> Event:
    """The one event of a decision that cannot be a refusal."""
    assert not isinstance(decision, Refused), "an unknown NIK can always register"
    (event,) = decision
    return event


def _participants(placed: Sequence[AcceptedRow], ids: Sequence[str]) -> dict[str, int | str]:
    people = [one.command.person for one in placed]
    return {
        "participant_count": len(placed),
        "ids": texts(ids),
        "nik_hmacs": binaries(person.nik_hmac for person in people),
        **participant_columns.columns(people, [one.command.standing for one in placed]),
    }


def _lines(
    placed: Sequence[AcceptedRow],
    event_ids: Sequence[str],
    ids: Sequence[str],
    partitions: Sequence[int],
    occurred: Sequence[str | None],
) -> list[str]:
    standings = [one.command.standing for one in placed]
    return list(map(_PATTERN.fill, event_ids, ids, partitions, standings, occurred))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()

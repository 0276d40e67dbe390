"""Packs a validated chunk of a file into the form that the database receives: array literals and event texts.

The validation process packs chunks, so that the process that writes them has less to do. The event texts
contain placeholders for sequence and time, which the SQL statement `write_rows` replaces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from registration.domain.decision import Decision, Event, EventType, Refused
from registration.domain.participant_partition import partition_of
from registration.imports.event_template import EventTemplate
from registration.imports.row_validation import CHANNEL, AcceptedRow, RejectedCell, ValidatedChunk
from registration.store.array_literals import event_columns, texts
from registration.store.register_rows import participant_rows

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(list[AcceptedRow])
_TEMPLATE: Final = EventTemplate(CHANNEL)


class PackedChunk(msgspec.Struct, frozen=True):
    """A chunk that is ready to be written.

    `participants` and `events` are arguments of `register_rows.write_rows`. `count` is the number of
    participants. `registrations` are the accepted rows as JSON, sorted by NIK fingerprint. They are needed
    only if the chunk cannot be written as it is, for example because the register already has one of its
    NIKs.
    """

    last_row: int
    count: int
    participants: dict[str, int | str]
    events: dict[str, str]
    registrations: bytes
    rejected: list[RejectedCell]
    blank: int

    @property
    def rows(self) -> int:
        """The number of accepted and rejected rows; blank rows are not counted."""
        return self.count + len({cell.row for cell in self.rejected})

    def unpacked(self) -> ValidatedChunk:
        """Return the validated chunk that was packed, in row order."""
        accepted = sorted(_DECODER.decode(self.registrations), key=lambda row: row.row)
        return ValidatedChunk(self.last_row, accepted, self.rejected, self.blank)


def pack(validated: ValidatedChunk, new_id: Callable[[], object]) -> PackedChunk:
    """Pack a chunk. Its participants are sorted by NIK fingerprint, because they are locked in this order.

    `new_id` returns a UUID of any type, whose text becomes the id of an event.
    """
    accepted = sorted(validated.accepted, key=lambda row: row.nik_hmac)
    ids = [str(row.command.id) for row in accepted]
    occurred = [_isoformat(row.command.person.occurred_at) for row in accepted]
    partitions = [partition_of(row.command.id) for row in accepted]
    event_ids = [str(new_id()) for _ in accepted]
    return PackedChunk(
        validated.last_row,
        len(accepted),
        participant_rows([row.command for row in accepted]),
        event_columns(
            partitions,
            ids=texts(event_ids),
            participants=texts(ids),
            types=[EventType.REGISTERED.value] * len(accepted),
            event_texts=_event_texts(accepted, event_ids, ids, partitions, occurred),
        ),
        _ENCODER.encode(accepted),
        validated.rejected,
        validated.blank,
    )


def only_event(decision: Decision) -> Event:
    """Return the only event of a decision, which must not be a refusal."""
    assert not isinstance(decision, Refused), "the command cannot be refused here"
    (event,) = decision
    return event


def _event_texts(
    accepted: Sequence[AcceptedRow],
    event_ids: Sequence[str],
    ids: Sequence[str],
    partitions: Sequence[int],
    occurred: Sequence[str | None],
) -> list[str]:
    standings = [row.command.standing for row in accepted]
    return list(map(_TEMPLATE.fill, event_ids, ids, partitions, standings, occurred))


def _isoformat(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()

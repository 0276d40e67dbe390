"""Decodes the fields of a participant event that counting uses, and defines the quarantine reasons.

No other fields are decoded. Counting needs neither the event's type, because every event carries the standing
before and after it, nor its time, because growth is the difference of two counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import Annotated, Final, Literal, Protocol

import msgspec

SEQUENCE_MAX: Final = 2**63 - 1
SCOPE_LENGTH_MAX: Final = 64
STANDING_BYTES_MAX: Final = 1024
"""The size of the largest standing that `read_standing` caches."""
STANDINGS_CACHED_MAX: Final = 1 << 15
SCOPE_ID: Final = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{SCOPE_LENGTH_MAX - 1}}}")

Step = Literal["P2", "P3", "P4", "P5", "P6", "P7"]
Sequence = Annotated[int, msgspec.Meta(ge=1, le=SEQUENCE_MAX)]


class QuarantineReason(Enum):
    """Why a record was not counted."""

    MALFORMED = "malformed"
    """Partition and sequence are readable, but the rest does not match the contract."""
    BAD_SCOPE = "bad_scope"
    """The agency or campaign is not a valid identifier."""
    MISPLACED = "misplaced"
    """The event names a partition that is not its record's, so its sequence does not apply in this
    partition."""
    UNREADABLE = "unreadable"
    """The partition or the sequence is not readable."""


class Standing(msgspec.Struct, frozen=True, gc=False, cache_hash=True, omit_defaults=True):
    """What is counted of a participant. Equal standings have equal hashes and are summed together.

    `stock` is whether the participant is part of the baseline. Only the standings of stock have the field.
    """

    region: str
    agency: str | None
    campaign: str | None
    steps: tuple[Step, ...]
    stock: bool = False


class Change(msgspec.Struct, frozen=True, gc=False):
    """The standing before and after an event; None before registering and after withdrawing."""

    before: Standing | None
    after: Standing | None


class RawChange(msgspec.Struct, frozen=True, gc=False):
    """A change whose standings are JSON."""

    before: msgspec.Raw
    after: msgspec.Raw


class RawEvent(msgspec.Struct, frozen=True, gc=False):
    """An event whose standings are not decoded yet."""

    partition: int
    sequence: Sequence
    data: RawChange


class Event(msgspec.Struct, frozen=True, gc=False):
    """A well-formed event; its scopes are not checked yet."""

    partition: int
    sequence: Sequence
    data: Change


class BadEvent(msgspec.Struct, frozen=True, gc=False):
    """An event with a readable partition and sequence whose content cannot be counted."""

    partition: int
    sequence: int
    reason: QuarantineReason


class UnsequencedRecord(msgspec.Struct, frozen=True, gc=False):
    """A record without a valid sequence in its partition.

    It is identified by its offset and changes no count.
    """

    offset: int
    reason: QuarantineReason


class Record(Protocol):
    """A record of the topic as the consumer returns it."""

    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


OffsetEvent = tuple[int, Event | BadEvent]
"""(offset, event)"""


class _PartitionSequence(msgspec.Struct, frozen=True, gc=False):
    partition: int
    sequence: Sequence


read_raw_event = msgspec.json.Decoder(RawEvent).decode
"""Decode the JSON of an event, except for its standings. Raises one of the errors in UNDECODABLE."""
_decode_partition_sequence = msgspec.json.Decoder(_PartitionSequence).decode
_decode_standing = msgspec.json.Decoder(Standing | None).decode
UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, TypeError, RecursionError)
"""The errors that decoding raises. TypeError means a record without a value, RecursionError too deep
nesting."""


def read_standing(json: bytes) -> Standing | None:
    """Decode the JSON of one standing or null. Raises one of the errors in UNDECODABLE."""
    return (_cached_standing if len(json) <= STANDING_BYTES_MAX else _decode_standing)(json)


@lru_cache(maxsize=STANDINGS_CACHED_MAX)
def _cached_standing(json: bytes) -> Standing | None:
    standing: Standing | None = _decode_standing(json)
    return standing


def read_event(value: bytes | None, partition: int) -> Event | BadEvent | QuarantineReason:
    """Decode a record's value. Return a QuarantineReason if it has no valid sequence in this partition."""
    event: Event | BadEvent
    try:
        raw = read_raw_event(value)  # type: ignore[arg-type]  # None raises TypeError, caught as undecodable
        change = Change(read_standing(bytes(raw.data.before)), read_standing(bytes(raw.data.after)))
        event = Event(raw.partition, raw.sequence, change)
    except UNDECODABLE:
        try:
            header = _decode_partition_sequence(value)  # type: ignore[arg-type]  # as above
        except UNDECODABLE:
            return QuarantineReason.UNREADABLE
        event = BadEvent(header.partition, header.sequence, QuarantineReason.MALFORMED)
    return event if event.partition == partition else QuarantineReason.MISPLACED


def read_batch(
    records: Iterable[Record], partition: int
) -> tuple[list[OffsetEvent], list[UnsequencedRecord]]:
    """Decode a fetched batch into events, with their offsets, and records without a valid sequence."""
    events: list[OffsetEvent] = []
    unsequenced: list[UnsequencedRecord] = []
    for record in records:
        event = read_event(record.value, partition)
        if isinstance(event, QuarantineReason):
            unsequenced.append(UnsequencedRecord(record.offset, event))
        else:
            events.append((record.offset, event))
    return events, unsequenced

"""What counting reads of a participant event, and what a record that cannot be counted is called.

Only the fields used are decoded. Types are not looked at: every event says what stood before and after it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from enum import Enum
from typing import Annotated, Final, Literal, Protocol

import msgspec

SEQUENCE_MAX: Final = 2**63 - 1
SCOPE_LENGTH_MAX: Final = 64
SCOPE_ID: Final = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{SCOPE_LENGTH_MAX - 1}}}")

Step = Literal["P2", "P3", "P4", "P5", "P6", "P7"]
Sequence = Annotated[int, msgspec.Meta(ge=1, le=SEQUENCE_MAX)]


class QuarantineReason(Enum):
    """Why a record was not counted."""

    MALFORMED = "malformed"
    """Partition and sequence can be read, the rest is not an event of the contract."""
    BAD_TIME = "bad_time"
    """`time` is not a moment in UTC."""
    BAD_SCOPE = "bad_scope"
    """Agency or campaign is not an identifier."""
    MISPLACED = "misplaced"
    """Its partition is not the one it lies in, so its sequence says nothing here."""
    UNREADABLE = "unreadable"
    """Not even partition and sequence can be read."""


class Standing(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """What counts of a participant; equal standings hash alike and are summed together."""

    region: str
    agency: str | None
    campaign: str | None
    steps: tuple[Step, ...]


class Change(msgspec.Struct, frozen=True, gc=False):
    """The standing before and after an event: null before registering and after withdrawing."""

    before: Standing | None
    after: Standing | None


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event that can be counted, as far as its shape goes."""

    partition: int
    sequence: Sequence
    time: str
    data: Change


class BadEvent(msgspec.Struct, frozen=True, gc=False):
    """An event whose place can be read and whose content cannot be counted."""

    partition: int
    sequence: int
    reason: QuarantineReason


class StrayRecord(msgspec.Struct, frozen=True, gc=False):
    """A record without a place in this partition's sequence; it is kept by its offset and changes nothing."""

    offset: int
    reason: QuarantineReason


class Record(Protocol):
    """A record of the topic, as the consumer hands it over."""

    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


Placed = tuple[int, Event | BadEvent]
"""An event with its offset."""


class _Address(msgspec.Struct, frozen=True, gc=False):
    partition: int
    sequence: Sequence


_decode = msgspec.json.Decoder(Event).decode
_decode_address = msgspec.json.Decoder(_Address).decode
read_standing = msgspec.json.Decoder(Standing).decode
"""Decode a standing alone, as a part of an event's value; raises one of UNDECODABLE."""
# What a decoder raises on a value that is no such JSON: also on none at all, and on one nested without end.
UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, TypeError, RecursionError)


def read_event(value: bytes | None, partition: int) -> Event | BadEvent | QuarantineReason:
    """Decode one value; a Reason where it has no place in this partition's sequence."""
    event: Event | BadEvent
    try:
        event = _decode(value)  # type: ignore[arg-type]  # None raises TypeError, caught as undecodable
    except UNDECODABLE:
        try:
            address = _decode_address(value)  # type: ignore[arg-type]  # as above
        except UNDECODABLE:
            return QuarantineReason.UNREADABLE
        event = BadEvent(address.partition, address.sequence, QuarantineReason.MALFORMED)
    return event if event.partition == partition else QuarantineReason.MISPLACED


def read_batch(records: Collection[Record], partition: int) -> tuple[list[Placed], list[StrayRecord]]:
    """Decode a fetched batch: the events with their offsets, and the records without a place."""
    try:
        # None raises TypeError, caught as undecodable.
        events = [_decode(record.value) for record in records]  # type: ignore[arg-type]
    except UNDECODABLE:
        return _read_one_by_one(records, partition)
    if not {event.partition for event in events} <= {partition}:
        return _read_one_by_one(records, partition)
    return list(zip([record.offset for record in records], events, strict=True)), []


def _read_one_by_one(records: Iterable[Record], partition: int) -> tuple[list[Placed], list[StrayRecord]]:
    placed: list[Placed] = []
    strays: list[StrayRecord] = []
    for record in records:
        event = read_event(record.value, partition)
        if isinstance(event, QuarantineReason):
            strays.append(StrayRecord(record.offset, event))
        else:
            placed.append((record.offset, event))
    return placed, strays

"""The record formats of the topics region-counts and register-state, and their decoders.

Unknown fields are ignored, so that a newer version of a sender may add fields. An invalid value raises
`UndecodableRecordError`. Readers count such a record and continue with the next one.
"""

from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec

T = TypeVar("T")
Count = Annotated[int, msgspec.Meta(ge=0)]
Sequence = Annotated[int, msgspec.Meta(ge=1)]
Row = tuple[str, str, str, int]
"""(scope, region, measure, absolute count).

A count is negative only while events that would raise it are quarantined.
"""

Peak = tuple[str, str, str, int, datetime]
"""(scope, region, measure, highest count that the tally has had, time at which the count fell below it)."""


class UndecodableRecordError(ValueError):
    """The value is not a valid record of this topic.

    No part of the value may be applied. Later records of the topic may be valid.
    """


class Gap(msgspec.Struct, frozen=True):
    """A gap in a partition: sequence `expected` is missing, and the higher sequence `seen` has arrived."""

    partition: int
    expected: int
    seen: int


class CutRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record of region-counts.

    In a change record, `rows` are the rows that differ from the cut `base`, and `quarantined_ranges` are the
    quarantined events above the base's positions. A full record is sent in parts; both fields are then this
    part's share of all rows and ranges of the cut.
    """

    cut: int
    term: int
    kind: Literal["change", "full"]
    base: int | None = None
    as_of: datetime
    positions: tuple[Count, ...]
    next_offsets: tuple[Count, ...] = ()
    """The offset of participant-events at which a worker continues to read each partition.

    Empty in a record of a version without this field.
    """
    gaps: tuple[Gap, ...] = ()
    quarantined_ranges: tuple[tuple[Count, Sequence, Sequence], ...] = ()
    """(partition, first sequence, last sequence) of quarantined events that the cut does not count."""
    quarantined_total: Count = 0
    """The number of all quarantined events of the cut."""
    ignored: Count = 0
    """The number of records in partitions that the register does not have."""
    generation: int = 0
    epoch: int = 1
    """The register's epoch whose events are counted.

    The epoch rises each time the register recovers from an older backup.
    """
    full_offset: int = -1
    """Offset of the first part of the newest acknowledged full record.

    -1 if the broker has acknowledged no full record yet.
    """
    rows: tuple[Row, ...]
    peaks: tuple[Peak, ...] = ()
    """The peaks of tallies whose counts have fallen since. The parts of a full record share them."""
    part: int = 0
    parts: int = 1

    def __post_init__(self) -> None:
        if self.kind == "change" and self.base is None:
            raise ValueError("a change names its base")
        if not 0 <= self.part < self.parts:
            raise ValueError("part lies outside parts")

    @property
    def version(self) -> tuple[int, int]:
        """(term, cut), by which cuts are ordered: every cut of a higher term is newer."""
        return (self.term, self.cut)


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The newest audit, which compared the counts of `cut` ("term.cut") with the register."""

    cut: str
    drift: int
    checked_at: datetime
    duration_ms: float = 0
    age_s: float = 0
    """The time since the end of the audit, when the register state was sent."""
    differences: tuple[msgspec.Raw, ...] = ()


class GrowthAudit(msgspec.Struct, frozen=True, kw_only=True):
    """The newest audit of growth: the drift of all published minutes up to `minute`."""

    minute: datetime
    drift: int
    checked_at: datetime


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """The number of accepted events not counted yet, and the seconds since a lagging position last moved."""

    events: int = 0
    standing_s: float = 0


class RegisterState(msgspec.Struct, frozen=True, kw_only=True):
    """A record of register-state: the state of the register at `time`, by the database's clock."""

    time: datetime
    term: int
    epoch: int = 1
    last_sequence: tuple[Count, ...]
    published: tuple[int, ...]
    audit: Audit | None = None
    audit_outcome: str | None = None
    """The outcome of the newest attempt to audit, such as `exact` or `failed`."""
    growth_audit: GrowthAudit | None = None
    lag: Lag = Lag()
    refused: str | None = None
    """Why relay and audit refuse to work, for example after a restore of the register; else None."""
    relay_alive: bool | None = None
    """Whether a process holds the relay's lease; without a holder, no event is published."""


_cut = msgspec.json.Decoder(CutRecord)
_register_state = msgspec.json.Decoder(RegisterState)


def decode_cut(value: bytes | None) -> CutRecord:
    """Decode a value of region-counts. Raises UndecodableRecordError."""
    return _decode(_cut, value)


def decode_register_state(value: bytes | None) -> RegisterState:
    """Decode a value of register-state. Raises UndecodableRecordError."""
    return _decode(_register_state, value)


def _decode(decoder: "msgspec.json.Decoder[T]", value: bytes | None) -> T:
    if value is None:
        raise UndecodableRecordError("the record has no value")
    try:
        return decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UndecodableRecordError(str(error)) from error

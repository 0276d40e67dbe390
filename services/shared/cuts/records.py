"""The record formats of the topics region-counts and register-state, and their decoders.

Unknown fields are ignored, so that a newer publisher may add fields. An invalid value raises
`UndecodableRecordError`; readers count it and continue with the next record.
"""

from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec

T = TypeVar("T")
Count = Annotated[int, msgspec.Meta(ge=0)]
Row = tuple[str, str, str, int]
"""(scope, region, measure, absolute count).

A count is negative only while the events that added to it are quarantined.
"""


class UndecodableRecordError(ValueError):
    """The value is not a valid record of this topic.

    No part of it may be applied; later records may be valid.
    """


class Gap(msgspec.Struct, frozen=True):
    """A gap in a partition: `expected` is the missing sequence, `seen` a higher one that has arrived."""

    partition: int
    expected: int
    seen: int


class CutRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record of region-counts: the rows changed since the cut `base`, or one part of all rows of a cut."""

    cut: int
    term: int
    kind: Literal["change", "full"]
    base: int | None = None
    as_of: datetime
    positions: tuple[Count, ...]
    gaps: tuple[Gap, ...] = ()
    quarantined: tuple[tuple[int, int], ...] = ()
    """Outstanding quarantined (partition, sequence) pairs at this cut, the first 1,000 of them."""
    quarantined_total: Count = 0
    generation: int = 0
    epoch: int = 1
    """The register's epoch whose events are counted.

    It rises each time the register recovers from an older backup.
    """
    full_offset: int = -1
    """Offset of the first part of the newest acknowledged full; -1 if no full is acknowledged yet."""
    rows: tuple[Row, ...]
    part: int = 0
    parts: int = 1

    def __post_init__(self) -> None:
        if self.kind == "change" and self.base is None:
            raise ValueError("a change names its base")
        if not 0 <= self.part < self.parts:
            raise ValueError("part lies outside parts")

    @property
    def version(self) -> tuple[int, int]:
        """(term, cut), the order of cuts: every cut of a higher term is newer."""
        return (self.term, self.cut)


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The newest audit: the difference between the counts of `cut` ("term.cut") and the register."""

    cut: str
    drift: int
    checked_at: datetime
    duration_ms: float = 0
    differences: tuple[msgspec.Raw, ...] = ()


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
    lag: Lag = Lag()
    refused: str | None = None
    """Why relay and audit refuse to work (the register was restored), else None."""
    relay_alive: bool | None = None
    """False if no process holds the relay's lease: then no event is being published, even if none waits."""


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

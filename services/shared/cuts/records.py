"""The shapes of the records in the topics region-counts and register-state.

Unknown fields are ignored, so a newer publisher may add some. A value that cannot be read raises
`UndecodableRecordError`; readers count it and go on.
"""

from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec

T = TypeVar("T")
Count = Annotated[int, msgspec.Meta(ge=0)]
Row = tuple[str, str, str, int]
"""(scope, region, measure, absolute count); below zero only if what added to it is quarantined."""


class UndecodableRecordError(ValueError):
    """The value is not a record of this topic. Nothing of it may be applied; the next record may be fine."""


class Gap(msgspec.Struct, frozen=True):
    """A partition whose next event is missing: `expected` is the next to count, `seen` a later sequence."""

    partition: int
    expected: int
    seen: int


class CutRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record of region-counts: a whole change since cut `base`, or one part of every row at `cut`."""

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
    """The register's epoch whose events are counted; it rises when a restored register starts over."""
    full_offset: int = -1
    """Where the newest acknowledged full begins; -1: no full has been acknowledged yet."""
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
        """What orders cuts: a later term beats any cut of an earlier one."""
        return (self.term, self.cut)


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The newest audit: what the counts at `cut` (written "term.cut") differ from the register by."""

    cut: str
    drift: int
    checked_at: datetime
    duration_ms: float = 0
    differences: tuple[msgspec.Raw, ...] = ()


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """How many accepted events are not counted, and for how long counting has not moved."""

    events: int = 0
    standing_s: float = 0


class RegisterState(msgspec.Struct, frozen=True, kw_only=True):
    """One record of register-state: where the register stands at `time`, by the database's clock."""

    time: datetime
    term: int
    epoch: int = 1
    last_sequence: tuple[Count, ...]
    published: tuple[int, ...]
    audit: Audit | None = None
    lag: Lag = Lag()
    refused: str | None = None
    """Why relay and audit refuse to go on (a restored register), or null."""
    relay_alive: bool | None = None
    """False when nobody holds the relay's lease: then nothing is on its way, even if nothing waits yet."""


_cut = msgspec.json.Decoder(CutRecord)
_register_state = msgspec.json.Decoder(RegisterState)


def decode_cut(value: bytes | None) -> CutRecord:
    """Read a value of region-counts. Raises UndecodableRecordError."""
    return _decode(_cut, value)


def decode_register_state(value: bytes | None) -> RegisterState:
    """Read a value of register-state. Raises UndecodableRecordError."""
    return _decode(_register_state, value)


def _decode(decoder: "msgspec.json.Decoder[T]", value: bytes | None) -> T:
    if value is None:
        raise UndecodableRecordError("the record has no value")
    try:
        return decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UndecodableRecordError(str(error)) from error

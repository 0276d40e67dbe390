"""What a cut is, when the next one is due, and how it is written to region-counts.

Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

import msgspec

# A tally row that no event changed reaches readers with the next full, and the audit must find it in 10 s.
FULL_EVERY_S: Final = 4.0
HEART_BEAT_EVERY_S: Final = 1.0
PART_BYTES_MAX: Final = 256 * 1024
CHANGE_BYTES_MAX: Final = 800_000
"""Below the broker's limit for a record; a change beyond it is told as a full."""
ROW_BYTES_MORE: Final = 32
"""Quotes, commas and count of a row."""
HEAD_BYTES: Final = 32 * 1024
"""More than the head of a record needs with a thousand quarantined events named."""
QUARANTINED_NAMED_MAX: Final = 1_000

Row = tuple[str, str, str, int]
"""(scope, region, measure, absolute count)"""


@dataclass(frozen=True, slots=True)
class CutHead:
    """What one snapshot says besides the counts; two equal heads stand for equal counts."""

    set_id: int
    generation: int
    epoch: int
    """The register's epoch whose events are counted."""
    positions: tuple[int, ...]
    gaps: tuple[tuple[int, int, int], ...]
    """(partition, expected, seen)"""
    quarantined: tuple[tuple[int, int], ...]
    """(partition, sequence) of those not in the counts, the first thousand"""
    quarantined_total: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A numbered head."""

    term: int
    number: int
    as_of: datetime
    head: CutHead


class Due(Enum):
    """What is to be published now."""

    NOTHING = "nothing"
    HEART_BEAT = "heart_beat"
    CHANGE = "change"
    CHANGE_AND_FULL = "change_and_full"
    FULL_AGAIN = "full_again"
    """A full of the cut published last."""
    FULL_ANEW = "full_anew"
    """A full of a new cut: after a take-over, a failure, or when counts changed otherwise than by events."""

    @property
    def is_new(self) -> bool:
        """Whether it shows a cut with the next number."""
        return self in (Due.CHANGE, Due.CHANGE_AND_FULL, Due.FULL_ANEW)


def due(last: CutHead | None, seen: CutHead, since_full_s: float, since_record_s: float) -> Due:
    """What is due, given the head published last in this term (None: none) and the one just read."""
    if last is None or (last.set_id, last.generation) != (seen.set_id, seen.generation):
        return Due.FULL_ANEW
    is_full_due = since_full_s >= FULL_EVERY_S
    if last != seen:
        return Due.CHANGE_AND_FULL if is_full_due else Due.CHANGE
    if is_full_due:
        return Due.FULL_AGAIN
    return Due.HEART_BEAT if since_record_s >= HEART_BEAT_EVERY_S else Due.NOTHING


def fits_change(rows: Iterable[Row]) -> bool:
    """Whether rows can be told in one record."""
    size = sum(len(scope) + len(region) + len(measure) + ROW_BYTES_MORE for scope, region, measure, _ in rows)
    return size <= CHANGE_BYTES_MAX


def write_change(cut: Cut, base: int, full_offset: int, rows: Iterable[Row]) -> bytes:
    """A `change` record: the rows changed since cut `base`, none for a heart-beat."""
    return _record(cut, full_offset, "change", rows=list(rows), base=base)


def write_full(
    cut: Cut, full_offset: int, rows: Iterable[Row], bytes_max: int = PART_BYTES_MAX
) -> list[bytes]:
    """A `full`: every row, in parts of at most `bytes_max` bytes that all carry the same head."""
    parts = list(_parts([msgspec.json.encode(row) for row in rows], bytes_max - HEAD_BYTES))
    return [
        _record(
            cut,
            full_offset,
            "full",
            rows=msgspec.Raw(b"[" + b",".join(part) + b"]"),
            base=None,
            part=number,
            parts=len(parts),
        )
        for number, part in enumerate(parts)
    ]


def _parts(rows: Sequence[bytes], bytes_max: int) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for row in rows:
        if part and size + len(row) + 1 > bytes_max:
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row) + 1
    yield part


def _record(cut: Cut, full_offset: int, kind: str, **fields: Any) -> bytes:
    head = cut.head
    return msgspec.json.encode(
        {
            "cut": cut.number,
            "term": cut.term,
            "kind": kind,
            "as_of": time_text(cut.as_of),
            "positions": head.positions,
            "gaps": [
                {"partition": partition, "expected": expected, "seen": seen}
                for partition, expected, seen in head.gaps
            ],
            "quarantined": head.quarantined,
            "quarantined_total": head.quarantined_total,
            "generation": head.generation,
            "epoch": head.epoch,
            "full_offset": full_offset,
            **fields,
        }
    )


def time_text(time: datetime) -> str:
    """A moment in UTC as the contract writes it."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

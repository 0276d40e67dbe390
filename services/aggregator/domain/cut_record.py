"""Defines a cut and its head, decides which record is due next, and encodes records for region-counts.

This module does no I/O and reads no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

import msgspec

FULL_EVERY_S: Final = 60.0
"""A reader that starts reads at most this many seconds of changes after the full record."""
FULL_AGAIN_EVERY_S: Final = 14_400.0
"""A full record of an unchanged cut is repeated, so that retention, which is a day, never deletes it.

Until then, a reader that starts reads the heartbeats since the full record: at most 14,400, which takes it a
tenth of a second."""
COMPARE_EVERY_S: Final = 4.0
"""If a fault changes a tally without an event, no change record has it. Therefore the publisher compares all
tallies with those that it has published, so often that the audit finds such a tally within 10 s."""
HEARTBEAT_EVERY_S: Final = 1.0
PART_BYTES_MAX: Final = 256 * 1024
CHANGE_BYTES_MAX: Final = 800_000
"""This limit is below the broker's limit for a record. A larger change is published as a full record."""
ROW_OVERHEAD_BYTES: Final = 32
"""The bytes that quotes, commas and the count add to an encoded row."""
RANGE_BYTES: Final = 40
"""The largest size in bytes of one encoded range of quarantined events."""
HEAD_BYTES: Final = 4 * 1024
"""The largest size in bytes of an encoded head."""

Row = tuple[str, str, str, int]
"""(scope, region, measure, absolute count)"""
RowKey = tuple[str, str, str]
"""(scope, region, measure)"""
Range = tuple[int, int, int]
"""(partition, first sequence, last sequence) of quarantined or skipped events"""
Peak = tuple[str, str, str, int, str]
"""(scope, region, measure, highest count that the tally has had, time at which the count fell below it)"""


@dataclass(frozen=True, slots=True)
class CutHead:
    """The positions of a cut, read in one snapshot.

    Equal heads mean equal counts and equal quarantined events.
    """

    set_id: int
    generation: int
    epoch: int
    """The register's epoch whose events are counted."""
    positions: tuple[int, ...]
    gaps: tuple[tuple[int, int, int], ...]
    """(partition, expected sequence, lowest sequence beyond the gap)"""
    next_offsets: tuple[int, ...] = ()
    """The offset at which a worker continues to read each partition."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A head with the cut's time and number, the publisher's term, and what the cut does not count.

    `ignored` is the number of records in unknown partitions.
    """

    term: int
    number: int
    as_of: datetime
    head: CutHead
    quarantined_total: int = 0
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class CutContent:
    """The content of a record: the whole cut in a full record, the changes since the base in a change record.

    `quarantined` of a change record has only the events above the base's positions. That is complete, because
    a command that changes the quarantine otherwise starts a new generation, which begins with a full record.
    """

    quarantined: Sequence[Range]
    rows: Sequence[Row]
    peaks: Sequence[Peak] = ()
    """Only in a full record: the tallies that are below the highest count that they have had."""

    @property
    def quarantined_events(self) -> int:
        """The number of events in the ranges."""
        return sum(last - first + 1 for _, first, last in self.quarantined)


NO_CONTENT: Final = CutContent((), ())
"""The content of a heartbeat."""


class DueRecord(Enum):
    """Which kind of record to publish now."""

    NOTHING = "nothing"
    HEARTBEAT = "heartbeat"
    CHANGE = "change"
    CHANGE_AND_FULL = "change_and_full"
    FULL_OF_SAME_CUT = "full_of_same_cut"
    """A full record of the cut that was published last."""
    FULL_OF_NEW_CUT = "full_of_new_cut"
    """A full record of the next cut. It is due in a new term, after a failure, and for tallies of a new set
    or generation."""

    @property
    def is_new_cut(self) -> bool:
        """Whether the record belongs to a new cut, which gets the next number."""
        return self in (DueRecord.CHANGE, DueRecord.CHANGE_AND_FULL, DueRecord.FULL_OF_NEW_CUT)


def due_record(
    last: CutHead | None,
    current: CutHead,
    since_full_s: float,
    since_record_s: float,
    *,
    is_last_full: bool,
) -> DueRecord:
    """Decide which record is due.

    `last` is the head that was published last in this term; None if none was published in this term.
    `since_full_s` and `since_record_s` are the seconds since the last full record and the last record of any
    kind. `is_last_full` is True if the last cut has a full record.
    """
    if last is None or (last.set_id, last.generation) != (current.set_id, current.generation):
        return DueRecord.FULL_OF_NEW_CUT
    is_full_due = since_full_s >= FULL_EVERY_S
    if last != current:
        return DueRecord.CHANGE_AND_FULL if is_full_due else DueRecord.CHANGE
    if since_full_s >= (FULL_AGAIN_EVERY_S if is_last_full else FULL_EVERY_S):
        return DueRecord.FULL_OF_SAME_CUT
    return DueRecord.HEARTBEAT if since_record_s >= HEARTBEAT_EVERY_S else DueRecord.NOTHING


def differing_rows(published: Mapping[RowKey, int], rows: Iterable[Row]) -> list[Row]:
    """Return the rows whose count differs from the published one; 0 for a published row that is missing."""
    current = {(scope, region, measure): count for scope, region, measure, count in rows}
    keys = sorted(published.keys() | current.keys())
    return [(*key, current.get(key, 0)) for key in keys if current.get(key, 0) != published.get(key, 0)]


def fits_change(content: CutContent) -> bool:
    """Return whether the content fits in one change record."""
    size = sum(
        len(scope) + len(region) + len(measure) + ROW_OVERHEAD_BYTES
        for scope, region, measure, _ in content.rows
    )
    return size + RANGE_BYTES * len(content.quarantined) <= CHANGE_BYTES_MAX


def write_change(cut: Cut, base: int, full_offset: int, content: CutContent) -> bytes:
    """Encode a `change` record with what changed since cut number `base`."""
    return _record(cut, full_offset, "change", content.quarantined, content.rows, base=base)


def write_full(
    cut: Cut, full_offset: int, content: CutContent, bytes_max: int = PART_BYTES_MAX
) -> list[bytes]:
    """Encode a `full` record with all ranges, rows and peaks, in parts of at most `bytes_max` bytes.

    Each part contains the same head. The ranges come before the rows, and the rows before the peaks.
    """
    parts = list(_parts(content, bytes_max - HEAD_BYTES))
    return [
        _record(
            cut,
            full_offset,
            "full",
            _array(ranges),
            _array(rows),
            base=None,
            peaks=_array(peaks),
            part=number,
            parts=len(parts),
        )
        for number, (ranges, rows, peaks) in enumerate(parts)
    ]


def _parts(content: CutContent, bytes_max: int) -> Iterator[tuple[list[bytes], list[bytes], list[bytes]]]:
    """Split the encoded ranges, rows and peaks into parts."""
    encode = msgspec.json.Encoder().encode
    part: tuple[list[bytes], list[bytes], list[bytes]] = ([], [], [])
    size = 0
    fields: tuple[Sequence[object], ...] = (content.quarantined, content.rows, content.peaks)
    for place, item in ((place, item) for place, items in enumerate(fields) for item in items):
        encoded = encode(item)
        if size and size + len(encoded) + 1 > bytes_max:
            yield part
            part, size = ([], [], []), 0
        part[place].append(encoded)
        size += len(encoded) + 1
    yield part


def _array(items: list[bytes]) -> msgspec.Raw:
    return msgspec.Raw(b"[" + b",".join(items) + b"]")


def _record(cut: Cut, full_offset: int, kind: str, ranges: Any, rows: Any, **fields: Any) -> bytes:
    head = cut.head
    return msgspec.json.encode(
        {
            "cut": cut.number,
            "term": cut.term,
            "kind": kind,
            "as_of": utc_text(cut.as_of),
            "positions": head.positions,
            "next_offsets": head.next_offsets,
            "gaps": [
                {"partition": partition, "expected": expected, "seen": seen}
                for partition, expected, seen in head.gaps
            ],
            "quarantined_ranges": ranges,
            "quarantined_total": cut.quarantined_total,
            "ignored": cut.ignored,
            "generation": head.generation,
            "epoch": head.epoch,
            "full_offset": full_offset,
            "rows": rows,
            **fields,
        }
    )


def utc_text(time: datetime) -> str:
    """Format a UTC time as RFC 3339 with milliseconds and `Z`."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

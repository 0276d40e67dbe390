"""Holds the newest complete cut that a reader of region-counts has, and applies records to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from cuts.quarantined_ranges import QuarantinedRanges
from cuts.records import CutRecord, Gap

Key = tuple[str, str, str]
"""(scope, region, measure)"""


class ApplyReason(Enum):
    """What a record did to the state."""

    CHANGED = "changed"
    """The record is a change whose base is the held cut; counts or positions changed."""
    REPLACED = "replaced"
    """The record completes a full record that is newer than the held cut, or contradicts it."""
    REPEATED = "repeated"
    """The record is a heartbeat or a full record of the held cut. Nothing changed; the publisher is alive."""
    PART = "part"
    """The record is one part of a full record, and other parts are still missing."""
    OLDER = "older"
    """Ignored: the record's (term, cut) is lower than that of the held cut.

    It was sent by a publisher that is late or was suspended.
    """
    OFF_BASE = "off_base"
    """Ignored: the record is a change whose base is not the held cut. The next full record contains it."""
    NOT_READY = "not_ready"
    """Ignored: the record is a change, and no full record is complete yet."""


@dataclass(frozen=True)
class ApplyResult:
    """What a record did. `changed` has the new count of each changed tally; 0 for a removed tally."""

    reason: ApplyReason
    changed: Mapping[Key, int] = field(default_factory=dict)

    @property
    def state_changed(self) -> bool:
        """Whether the record changed the state."""
        return self.reason in (ApplyReason.CHANGED, ApplyReason.REPLACED)

    @property
    def publisher_alive(self) -> bool:
        """Whether the record proves that the publisher of the held cut, or a later publisher, is alive."""
        return self.state_changed or self.reason is ApplyReason.REPEATED


class CutState:
    """The newest complete cut of the records applied so far; only `apply` changes it.

    The first record may come from anywhere in the topic. Records may be repeated, and records of a publisher
    that lost its lease may be among them. Nevertheless (term, cut) never decreases, and the counts are always
    those of one cut.
    """

    def __init__(self) -> None:
        self.ready = False
        self.term = 0
        self.cut = 0
        self.generation = 0
        self.epoch = 1
        self.as_of: datetime | None = None
        self.positions: tuple[int, ...] = ()
        self.gaps: tuple[Gap, ...] = ()
        self.quarantined = QuarantinedRanges()
        self.quarantined_total = 0
        """The number of quarantined events by the publisher's count.

        It differs from `quarantined.events` only if the publisher is of a version that writes no ranges.
        """
        self.ignored = 0
        self.counts: dict[Key, int] = {}
        self.peaks: dict[Key, tuple[int, datetime]] = {}
        """By tally, its highest count and the time at which the count fell below it.

        These are the peaks of the newest complete full record; see `CutRecord.peaks`.
        """
        self._parts: list[CutRecord] = []

    @property
    def version(self) -> tuple[int, int]:
        """The (term, cut) of the held cut."""
        return (self.term, self.cut)

    @property
    def id(self) -> str:
        """The id of the held cut, "term.cut"."""
        return f"{self.term}.{self.cut}"

    def apply(self, record: CutRecord) -> ApplyResult:
        """Apply one record; return what it did and which counts changed."""
        if self.ready and record.version < self.version:
            return ApplyResult(ApplyReason.OLDER)
        if record.kind == "full":
            return self._collect(record)
        if not self.ready:
            return ApplyResult(ApplyReason.NOT_READY)
        if (record.term, record.base) != self.version:
            return ApplyResult(ApplyReason.OFF_BASE)
        return self._change(record)

    def _change(self, record: CutRecord) -> ApplyResult:
        changed = {
            (scope, region, measure): count
            for scope, region, measure, count in record.rows
            if self.counts.get((scope, region, measure), 0) != count
        }
        for key, count in changed.items():
            if count:
                self.counts[key] = count
            else:
                del self.counts[key]
        moved = bool(changed) or self._head_differs(record)
        self.quarantined.extend(record.quarantined_ranges)
        self._take_head(record)
        return ApplyResult(ApplyReason.CHANGED if moved else ApplyReason.REPEATED, changed)

    def _collect(self, record: CutRecord) -> ApplyResult:
        if record.part == 0:
            self._parts = [record]
        elif self._continues(record):
            self._parts.append(record)
        else:
            return ApplyResult(ApplyReason.PART)
        if len(self._parts) < record.parts:
            return ApplyResult(ApplyReason.PART)
        return self._replace()

    def _continues(self, record: CutRecord) -> bool:
        """Return whether the record is the next part of the full record that is being collected.

        All parts of a full record have the same head.
        """
        if not self._parts:
            return False
        first = self._parts[0]
        return record.part == len(self._parts) and (record.version, record.parts, record.as_of) == (
            first.version,
            first.parts,
            first.as_of,
        )

    def _replace(self) -> ApplyResult:
        head = self._parts[0]
        counts = {
            (scope, region, measure): count
            for part in self._parts
            for scope, region, measure, count in part.rows
            if count
        }
        quarantined = QuarantinedRanges(span for part in self._parts for span in part.quarantined_ranges)
        self.peaks = {
            (scope, region, measure): (count, left_at)
            for part in self._parts
            for scope, region, measure, count, left_at in part.peaks
        }
        self._parts = []
        changed = {key: count for key, count in counts.items() if self.counts.get(key) != count}
        changed.update(dict.fromkeys(self.counts.keys() - counts.keys(), 0))
        moved = not self.ready or bool(changed) or self._head_differs(head) or quarantined != self.quarantined
        self.counts, self.quarantined = counts, quarantined
        self._take_head(head)
        self.ready = True
        return ApplyResult(ApplyReason.REPLACED if moved else ApplyReason.REPEATED, changed)

    def _head_differs(self, record: CutRecord) -> bool:
        return (record.version, record.positions, record.gaps) != (self.version, self.positions, self.gaps)

    def _take_head(self, record: CutRecord) -> None:
        self.term, self.cut = record.version
        self.generation = record.generation
        self.epoch = record.epoch
        self.as_of = record.as_of
        self.positions = record.positions
        self.gaps = record.gaps
        self.quarantined_total = record.quarantined_total
        self.ignored = record.ignored

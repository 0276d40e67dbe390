"""Applies the records of region-counts as the contract says, independently of the product's reader."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

Cell = tuple[str, str, str]
"""(scope, region, measure)"""
Range = tuple[int, int, int]
"""(partition, first sequence, last sequence) of quarantined events"""


class CountedEvents(NamedTuple):
    """The events that a cut counts: those up to its positions, without the quarantined ones."""

    positions: tuple[int, ...]
    quarantined: frozenset[Range] = frozenset()


class Cut(msgspec.Struct):
    """The fields of a record of region-counts that the checks use."""

    cut: int
    term: int
    kind: str
    as_of: datetime
    positions: tuple[int, ...]
    rows: tuple[tuple[str, str, str, int], ...]
    quarantined_ranges: tuple[Range, ...] = ()
    ignored: int = 0
    base: int | None = None
    part: int = 0
    parts: int = 1


class CutReplay:
    """The newest cut of the records applied so far, and what the checks note of all cuts."""

    def __init__(self) -> None:
        self.rows: dict[Cell, int] = {}
        self.counted = CountedEvents(())
        self.version = (0, 0)
        self.foreign = 0
        """The published number of records in unknown partitions."""
        self.cuts = self.ignored = 0
        self.highest: dict[Cell, int] = {}
        self.quarantined: dict[str, frozenset[Range]] = {}
        """The quarantined events of each cut that has some, by the cut's id."""
        self.full_pauses_s: list[float] = []
        """For each full record of a cut that was published before: the time since the last full record.

        The other full records begin a term or another set of tallies, or replace a change that is too large.
        """
        self._full_at: datetime | None = None
        self._parts: dict[int, Cut] = {}
        self._children: dict[Cell, set[Cell]] = defaultdict(set)
        self._changed: set[Cell] = set()

    @property
    def id(self) -> str:
        """The id of the current cut, as the board shows it."""
        return f"{self.version[0]}.{self.version[1]}"

    def apply(self, record: Cut) -> bool:
        """Apply one record; return whether it completed a cut."""
        version = (record.term, record.cut)
        if version < self.version or (record.kind == "change" and version == self.version):
            self.foreign = record.ignored if version == self.version else self.foreign
            self.ignored += 1
            return False
        if record.kind == "change":
            if (record.term, record.base) != self.version:
                self.ignored += 1
                return False
            quarantined = self.counted.quarantined.union(record.quarantined_ranges)
            self._set(record, {(scope, region, measure): n for scope, region, measure, n in record.rows})
            self._count(record, quarantined)
            return True
        return self._collect(record, version)

    def _collect(self, record: Cut, version: tuple[int, int]) -> bool:
        self._parts = {n: part for n, part in self._parts.items() if (part.term, part.cut) == version}
        self._parts[record.part] = record
        if len(self._parts) < record.parts:
            return False
        fresh = {(row[0], row[1], row[2]): row[3] for part in self._parts.values() for row in part.rows}
        quarantined = frozenset(span for part in self._parts.values() for span in part.quarantined_ranges)
        if version == self.version and self._full_at is not None:
            self.full_pauses_s.append((record.as_of - self._full_at).total_seconds())
        self._full_at = record.as_of
        self._parts = {}
        self._set(record, dict.fromkeys(self.rows, 0) | fresh)
        self._count(record, quarantined)
        return True

    def _count(self, record: Cut, quarantined: frozenset[Range]) -> None:
        self.counted = CountedEvents(record.positions, quarantined)
        self.foreign = record.ignored
        if quarantined:
            self.quarantined[self.id] = quarantined

    def _set(self, record: Cut, changed: Mapping[Cell, int]) -> None:
        self.version = (record.term, record.cut)
        self.cuts += 1
        for cell, count in changed.items():
            self.rows[cell] = count
            self.highest[cell] = max(count, self.highest.get(cell, 0))
            parent = _parent(cell)
            if parent is not None:
                self._children[parent].add(cell)
                self._changed.add(parent)
            self._changed.add(cell)

    def unequal_totals(self) -> list[Cell]:
        """Of the tallies changed since the last call, return those that are not the sum of their parts."""
        changed, self._changed = self._changed, set()
        return [
            cell
            for cell in changed
            if cell in self._children
            and self.rows.get(cell, 0) != sum(self.rows.get(child, 0) for child in self._children[cell])
        ]


def _parent(cell: Cell) -> Cell | None:
    scope, region, measure = cell
    return (scope, region.rpartition(".")[0], measure) if "." in region else None

"""Invariant 3: every published count is correct at its cut, and every total is the sum of its parts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from faults.invariant_result import InvariantResult
from faults.observation.evidence import DatabaseContents, TopicRecords

Cell = tuple[str, str, str]
TOTAL: Final[Cell] = ("all", "31", "registered")
CHECKED_REGIONS: Final = ("31", "31.01", "31.71", "31.72", "31.73", "31.74", "31.75")


class Standing(msgspec.Struct):
    """What is counted of a participant."""

    region: str
    agency: str | None
    campaign: str | None
    steps: tuple[str, ...]
    stock: bool = False


class Change(msgspec.Struct):
    """The standings before and after an event."""

    before: Standing | None
    after: Standing | None


class Event(msgspec.Struct):
    """The fields of an event that are needed to count it."""

    data: Change


class Cut(msgspec.Struct):
    """The fields of a record of region-counts that the check uses."""

    cut: int
    term: int
    kind: str
    positions: tuple[int, ...]
    rows: tuple[tuple[str, str, str, int], ...]
    base: int | None = None
    part: int = 0
    parts: int = 1


def cells_of(standing: Standing) -> Iterable[Cell]:
    """Return every tally in which this standing is counted, without the product's code."""
    scopes = ["all"]
    scopes += [f"agency:{standing.agency}"] if standing.agency else []
    scopes += [f"campaign:{standing.campaign}"] if standing.campaign else []
    for scope in scopes:
        stock = ["stock"] if standing.stock else []
        for measure in ("registered", *stock, *(f"step:{step}" for step in set(standing.steps))):
            for length in (2, 5, 8, 13):
                yield scope, standing.region[:length], measure


class ExpectedCounts:
    """The correct counts at every vector of positions, summed from the register's events."""

    def __init__(self, values: Mapping[int, Sequence[str]]) -> None:
        """Sum the events. `values` has, by partition, the record values of its events in sequence order."""
        decode = msgspec.json.Decoder(Event).decode
        self.final: Counter[Cell] = Counter()
        self._sums: dict[tuple[int, str], list[int]] = {}
        for partition, texts in values.items():
            deltas: dict[str, list[int]] = {region: [0] for region in CHECKED_REGIONS}
            for text in texts:
                change = decode(text).data
                if change.before is not None:
                    self.final.subtract(cells_of(change.before))
                if change.after is not None:
                    self.final.update(cells_of(change.after))
                for region in CHECKED_REGIONS:
                    deltas[region].append(_is_in(change.after, region) - _is_in(change.before, region))
            for region in CHECKED_REGIONS:
                self._sums[partition, region] = list(accumulate(deltas[region]))

    def at(self, positions: Sequence[int], region: str) -> int:
        """Return how many participants are registered in `region` after the events up to `positions`.

        `region` must be one of CHECKED_REGIONS.
        """
        total = 0
        for partition, position in enumerate(positions):
            sums = self._sums[partition, region]
            # A position above the number of events means that sequences are missing; invariant 2 reports it.
            total += sums[min(position, len(sums) - 1)]
        return total


def _is_in(standing: Standing | None, region: str) -> int:
    return int(standing is not None and standing.region.startswith(region))


def check_counts(
    database: DatabaseContents, expected: ExpectedCounts, topic: TopicRecords
) -> tuple[InvariantResult, dict[Cell, int]]:
    """Compare tallies and published cuts with the register.

    Return the result, and the highest count that was published for each tally.
    """
    result = InvariantResult(
        3, "every published count is correct at its cut, and every total is the sum of its parts"
    )
    wanted = {cell: count for cell, count in expected.final.items() if count}
    for cell in wanted.keys() | database.tallies.keys():
        result.check(
            wanted.get(cell, 0) == database.tallies.get(cell, 0),
            f"tally {cell} is {database.tallies.get(cell, 0)}, must be {wanted.get(cell, 0)}",
        )
    result.check(database.quarantined == 0, f"{database.quarantined} events in quarantine")
    board = CutReplay()
    for value in topic.values.get(0, []):
        assert value is not None, "region-counts holds no tombstones"
        if board.apply(msgspec.json.decode(value, type=Cut)):
            for region in CHECKED_REGIONS:
                shown = board.rows.get(("all", region, "registered"), 0)
                correct = expected.at(board.positions, region)
                result.check(
                    shown == correct, f"cut {board.id}: region {region} is {shown}, must be {correct}"
                )
            for parent in board.unequal_totals():
                result.check(False, f"cut {board.id}: {parent} is not the sum of its parts")
            result.cases += 1
    final = {cell: count for cell, count in board.rows.items() if count}
    result.check(
        final == wanted,
        f"the last cut differs from the register in {len(final.items() ^ wanted.items())} rows",
    )
    result.notes.append(
        f"{board.cuts:,} cuts applied, {board.ignored:,} records of old terms or bases ignored"
    )
    return result, board.highest


class CutReplay:
    """Applies the records of region-counts as the contract says, independently of the product's reader."""

    def __init__(self) -> None:
        self.rows: dict[Cell, int] = {}
        self.positions: tuple[int, ...] = ()
        self.version = (0, 0)
        self.cuts = self.ignored = 0
        self.highest: dict[Cell, int] = {}
        self._parts: dict[int, Cut] = {}
        self._children: dict[Cell, set[Cell]] = defaultdict(set)
        self._changed: set[Cell] = set()

    @property
    def id(self) -> str:
        """The id of the current cut, as the board shows it."""
        return f"{self.version[0]}.{self.version[1]}"

    def apply(self, record: Cut) -> bool:
        """Apply one record; return whether it completed a new cut."""
        version = (record.term, record.cut)
        if version < self.version or (record.kind == "change" and version == self.version):
            self.ignored += 1
            return False
        if record.kind == "change":
            if (record.term, record.base) != self.version:
                self.ignored += 1
                return False
            self._set(record, {(scope, region, measure): n for scope, region, measure, n in record.rows})
            return True
        self._parts = {n: part for n, part in self._parts.items() if (part.term, part.cut) == version}
        self._parts[record.part] = record
        if len(self._parts) < record.parts:
            return False
        fresh = {(row[0], row[1], row[2]): row[3] for part in self._parts.values() for row in part.rows}
        self._parts = {}
        self._set(record, dict.fromkeys(self.rows, 0) | fresh)
        return True

    def _set(self, record: Cut, changed: Mapping[Cell, int]) -> None:
        self.version, self.positions = (record.term, record.cut), record.positions
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

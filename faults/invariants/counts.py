"""Invariants 3 and 5: every published cut is the truth at its positions, and the stream never goes back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from faults.evidence import Stored, Topic
from faults.invariant_result import Finding
from faults.recovery_probe import Seen

Cell = tuple[str, str, str]
TOTAL: Final[Cell] = ("all", "31", "registered")
WATCHED: Final = ("31", "31.01", "31.71", "31.72", "31.73", "31.74", "31.75")


class Standing(msgspec.Struct):
    """The standing before or after an event."""

    region: str
    agency: str | None
    campaign: str | None
    steps: tuple[str, ...]


class Change(msgspec.Struct):
    """What an event changed."""

    before: Standing | None
    after: Standing | None


class Event(msgspec.Struct):
    """What the truth is made of."""

    data: Change


class Cut(msgspec.Struct):
    """A record of region-counts, as far as it is judged."""

    cut: int
    term: int
    kind: str
    positions: tuple[int, ...]
    rows: tuple[tuple[str, str, str, int], ...]
    base: int | None = None
    part: int = 0
    parts: int = 1


def cells_of(standing: Standing) -> Iterable[Cell]:
    """Every tally a standing is part of, told without the product's own rule."""
    scopes = ["all"]
    scopes += [f"agency:{standing.agency}"] if standing.agency else []
    scopes += [f"campaign:{standing.campaign}"] if standing.campaign else []
    for scope in scopes:
        for measure in ("registered", *(f"step:{step}" for step in set(standing.steps))):
            for length in (2, 5, 8, 13):
                yield scope, standing.region[:length], measure


class Truth:
    """What every position vector must come to, from the register's own events."""

    def __init__(self, values: Mapping[int, Sequence[str]]) -> None:
        """`values`: the event values of each partition in the order of their sequences."""
        decode = msgspec.json.Decoder(Event).decode
        self.final: Counter[Cell] = Counter()
        self._sums: dict[tuple[int, str], list[int]] = {}
        for partition, texts in values.items():
            deltas: dict[str, list[int]] = {region: [0] for region in WATCHED}
            for text in texts:
                change = decode(text).data
                if change.before is not None:
                    self.final.subtract(cells_of(change.before))
                if change.after is not None:
                    self.final.update(cells_of(change.after))
                for region in WATCHED:
                    deltas[region].append(_inside(change.after, region) - _inside(change.before, region))
            for region in WATCHED:
                self._sums[partition, region] = list(accumulate(deltas[region]))

    def at(self, positions: Sequence[int], region: str) -> int:
        """How many were registered in a watched region once just these events had happened."""
        total = 0
        for one, position in enumerate(positions):
            sums = self._sums[one, region]
            # A position beyond the last event stands where sequences have holes: invariant 2 tells of it.
            total += sums[min(position, len(sums) - 1)]
        return total


def _inside(standing: Standing | None, region: str) -> int:
    return int(standing is not None and standing.region.startswith(region))


def check_counts(stored: Stored, truth: Truth, topic: Topic) -> tuple[Finding, dict[Cell, int]]:
    """3: tallies equal the register, and every published cut the register at that cut; the highest counts."""
    finding = Finding(3, "every published count is the truth, and a total is the sum of its parts")
    wanted = {cell: count for cell, count in truth.final.items() if count}
    for cell in wanted.keys() | stored.tallies.keys():
        finding.must(
            wanted.get(cell, 0) == stored.tallies.get(cell, 0),
            f"tally {cell} is {stored.tallies.get(cell, 0)}, must be {wanted.get(cell, 0)}",
        )
    finding.must(stored.quarantined == 0, f"{stored.quarantined} events in quarantine")
    board = Replay()
    for value in topic.values.get(0, []):
        assert value is not None, "region-counts holds no tombstones"
        if board.read(msgspec.json.decode(value, type=Cut)):
            for region in WATCHED:
                shown = board.rows.get(("all", region, "registered"), 0)
                right = truth.at(board.positions, region)
                finding.must(
                    shown == right, f"cut {board.version}: {region} is {shown}, the truth is {right}"
                )
            for parent in board.unequal():
                finding.must(False, f"cut {board.version}: {parent} is not the sum of its parts")
            finding.cases += 1
    final = {cell: count for cell, count in board.rows.items() if count}
    finding.must(
        final == wanted,
        f"the last cut differs from the register in {len(final.items() ^ wanted.items())} rows",
    )
    finding.notes.append(
        f"{board.cuts:,} cuts shown, {board.ignored:,} records of old terms or bases ignored"
    )
    return finding, board.highest


class Replay:
    """Applies the records of region-counts as the contract says, in code of its own."""

    def __init__(self) -> None:
        self.rows: dict[Cell, int] = {}
        self.positions: tuple[int, ...] = ()
        self.version = (0, 0)
        self.cuts = self.ignored = 0
        self.highest: dict[Cell, int] = {}
        self._parts: dict[int, Cut] = {}
        self._children: dict[Cell, set[Cell]] = defaultdict(set)
        self._touched: set[Cell] = set()

    def read(self, record: Cut) -> bool:
        """Take one record; whether a new cut is shown."""
        version = (record.term, record.cut)
        if version < self.version or (record.kind == "change" and version == self.version):
            self.ignored += 1
            return False
        if record.kind == "change":
            if (record.term, record.base) != self.version:
                self.ignored += 1
                return False
            self._show(record, {(scope, region, measure): n for scope, region, measure, n in record.rows})
            return True
        self._parts = {n: one for n, one in self._parts.items() if (one.term, one.cut) == version}
        self._parts[record.part] = record
        if len(self._parts) < record.parts:
            return False
        fresh = {(row[0], row[1], row[2]): row[3] for one in self._parts.values() for row in one.rows}
        self._parts = {}
        self._show(record, dict.fromkeys(self.rows, 0) | fresh)
        return True

    def _show(self, record: Cut, changed: Mapping[Cell, int]) -> None:
        self.version, self.positions = (record.term, record.cut), record.positions
        self.cuts += 1
        for cell, count in changed.items():
            self.rows[cell] = count
            self.highest[cell] = max(count, self.highest.get(cell, 0))
            parent = _parent(cell)
            if parent is not None:
                self._children[parent].add(cell)
                self._touched.add(parent)
            self._touched.add(cell)

    def unequal(self) -> list[Cell]:
        """The cells touched since the last question that differ from the sum of their parts."""
        touched, self._touched = self._touched, set()
        return [
            cell
            for cell in touched
            if cell in self._children
            and self.rows.get(cell, 0) != sum(self.rows.get(one, 0) for one in self._children[cell])
        ]


def _parent(cell: Cell) -> Cell | None:
    scope, region, measure = cell
    return (scope, region.rpartition(".")[0], measure) if "." in region else None


def check_stream(seen: Sequence[Seen], connections: int, truth: Truth) -> Finding:
    """5: the stream's cut never goes back, nor across replicas, and it ends at the truth."""
    finding = Finding(5, "the stream never goes back, and ends at the truth")
    last = (0, 0)
    for one in seen:
        finding.must((one.term, one.cut) >= last, f"{one.replica} sent {one.term}.{one.cut} after {last}")
        last = max(last, (one.term, one.cut))
    totals = [one.registered for one in seen if one.registered is not None]
    right = truth.final[TOTAL]
    finding.must(
        bool(totals) and totals[-1] == right, f"the stream ends at {totals[-1:]}, the truth is {right}"
    )
    finding.notes.append(f"{len(seen):,} messages over {connections:,} connections to two replicas")
    return finding

"""Invariant 3: every published count is correct at its cut, and every total is the sum of its parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from faults.invariant_result import InvariantResult
from faults.invariants.independent_cut_reader import Cell, CountedEvents, Cut, CutReplay, Range
from faults.observation.evidence import DatabaseContents, TopicRecords

Place = tuple[str, str]
"""(scope, region)"""
TOTAL: Final[Cell] = ("all", "31", "registered")
CHECKED_REGIONS: Final = ("31", "31.01", "31.71", "31.72", "31.73", "31.74", "31.75")
GROWTH: Final = {"registered": 1, "stock": -1}
"""Growth is the sum of the changes of these measures, each times its number."""


class Standing(msgspec.Struct, frozen=True):
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
        self._changes: dict[int, list[Change]] = {}
        self._growth_of: dict[Standing | None, Counter[Place]] = {None: Counter()}
        same: dict[Standing | None, Standing | None] = {}  # keeps equal standings once, to save memory
        for partition, texts in values.items():
            deltas: dict[str, list[int]] = {region: [0] for region in CHECKED_REGIONS}
            self._changes[partition] = changes = []
            for text in texts:
                change = decode(text).data
                before, after = change.before, change.after
                changes.append(Change(same.setdefault(before, before), same.setdefault(after, after)))
                if change.before is not None:
                    self.final.subtract(cells_of(change.before))
                if change.after is not None:
                    self.final.update(cells_of(change.after))
                for region in CHECKED_REGIONS:
                    deltas[region].append(_is_in(change.after, region) - _is_in(change.before, region))
            for region in CHECKED_REGIONS:
                self._sums[partition, region] = list(accumulate(deltas[region]))

    def at(self, counted: CountedEvents, region: str) -> int:
        """Return how many participants are registered in `region` after these events.

        `region` must be one of CHECKED_REGIONS.
        """
        total = 0
        for partition, position in enumerate(counted.positions):
            sums = self._sums[partition, region]
            # A position above the number of events means that sequences are missing; invariant 2 reports it.
            total += sums[min(position, len(sums) - 1)]
        for partition, first, last in counted.quarantined:
            sums = self._sums[partition, region]
            total -= sums[last] - sums[first - 1]
        return total

    def growth(self, since: CountedEvents, upto: CountedEvents) -> Counter[Place]:
        """Return the growth of each scope and region from the events `since` to the events `upto`."""
        growth: Counter[Place] = Counter()
        for partition, (former, position) in enumerate(zip(since.positions, upto.positions, strict=True)):
            self._add(growth, (partition, former + 1, position), 1)
        for span in since.quarantined:
            self._add(growth, span, 1)
        for span in upto.quarantined:
            self._add(growth, span, -1)
        return Counter({place: number for place, number in growth.items() if number})

    def _add(self, growth: Counter[Place], span: Range, times: int) -> None:
        partition, first, last = span
        for change in self._changes[partition][first - 1 : last]:
            for standing, sign in ((change.after, times), (change.before, -times)):
                for place, number in self._growth(standing).items():
                    growth[place] += sign * number

    def _growth(self, standing: Standing | None) -> Counter[Place]:
        if standing not in self._growth_of:
            assert standing is not None, "None is known from the beginning"
            growth = self._growth_of[standing] = Counter[Place]()
            for scope, region, measure in cells_of(standing):
                growth[scope, region] += GROWTH.get(measure, 0)
        return self._growth_of[standing]


def _is_in(standing: Standing | None, region: str) -> int:
    return int(standing is not None and standing.region.startswith(region))


def check_counts(
    database: DatabaseContents, expected: ExpectedCounts, topic: TopicRecords
) -> tuple[InvariantResult, CutReplay]:
    """Compare tallies and published cuts with the register. Return the result, and the replayed cuts."""
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
        former = board.counted
        if board.apply(msgspec.json.decode(value, type=Cut)):
            result.cases += 1 + len(CHECKED_REGIONS)
            result.violations += [f"cut {board.id}: {text}" for text in _errors(board, former, expected)]
    final = {cell: count for cell, count in board.rows.items() if count}
    result.check(
        final == wanted,
        f"the last cut differs from the register in {len(final.items() ^ wanted.items())} rows",
    )
    result.notes.append(
        f"{board.cuts:,} cuts applied, {board.ignored:,} records of old terms or bases ignored"
    )
    return result, board


def _errors(board: CutReplay, former: CountedEvents, expected: ExpectedCounts) -> Iterator[str]:
    """Yield the errors of the newest cut. `former` are the events that the cut before it counted."""
    for region in CHECKED_REGIONS:
        shown = board.rows.get(("all", region, "registered"), 0)
        correct = expected.at(board.counted, region)
        if shown != correct:
            yield f"region {region} is {shown}, must be {correct}"
    for parent in board.unequal_totals():
        yield f"{parent} is not the sum of its parts"
    positions = zip(former.positions, board.counted.positions, strict=False)
    if any(before > after for before, after in positions):
        yield f"its positions {board.counted.positions} are below {former.positions}"

"""What a run of `make bench` came to: ratios, goals met or not, and how two runs differ. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from statistics import median
from typing import Final

from bench.paths.model import Goal, Measured, Path

EVENTS_PER_USAGE: Final = 1_000


@dataclass(frozen=True)
class Ratio:
    """How often better ours is: the median over the pairs, the lowest, the highest."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Result:
    """One goal: its ratio, and the medians it comes from, in `unit`. `goal` None: shown, nothing is asked."""

    path: str
    rival: str
    ratio: Ratio
    goal: float | None
    met: bool | None
    ours: float
    theirs: float
    unit: str
    pairs: int = 0


@dataclass(frozen=True)
class ProcessUsage:
    """Medians of what a process used while a contender did a path's work."""

    path: str
    contender: str
    process: str
    cpu_s_per_1000_events: float | None
    memory_mib: float


@dataclass(frozen=True)
class Run:
    """All of one day's run: what a results file holds."""

    machine: Mapping[str, object]
    results: tuple[Result, ...] = ()
    usage: tuple[ProcessUsage, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass
class Ledger:
    """What was measured of one path so far: per round, what each contender gave."""

    path: Path
    rounds: list[dict[str, Measured]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    """Why, by contender; by the path's name where all of it was."""

    def pairs(self, rival: str) -> list[tuple[Measured, Measured]]:
        """Ours and the rival's of each round that has both."""
        ours = self.path.ours.name
        return [(one[ours], one[rival]) for one in self.rounds if ours in one and rival in one]

    def ours(self) -> list[Measured]:
        """Ours of each round."""
        return [one[self.path.ours.name] for one in self.rounds if self.path.ours.name in one]


def ratio_of(pairs: Sequence[tuple[float, float]], more_is_better: bool) -> Ratio:
    """The ratio over (ours, theirs) pairs, above 1 where ours is better; zero on either side is refused."""
    ratios = [ours / theirs if more_is_better else theirs / ours for ours, theirs in pairs]
    return Ratio(median(ratios), min(ratios), max(ratios))


def results_of(ledger: Ledger) -> list[Result]:
    """A result for each goal of which at least one pair was measured."""
    found = (_result_of(ledger, goal) for goal in ledger.path.goals)
    return [result for result in found if result is not None]


def _result_of(ledger: Ledger, goal: Goal) -> Result | None:
    if goal.limit is None:
        pairs = [(a.figures[goal.figure], b.figures[goal.figure]) for a, b in ledger.pairs(goal.rival)]
    else:
        pairs = [(one.figures[goal.figure], goal.limit) for one in ledger.ours()]
    if not pairs:
        return None
    figure = ledger.path.figures[goal.figure]
    ratio = ratio_of(pairs, figure.more_is_better)
    return Result(
        ledger.path.name,
        ledger.path.label(goal),
        ratio,
        goal.at_least,
        None if goal.at_least is None else ratio.median >= goal.at_least,
        median(ours for ours, _ in pairs),
        median(theirs for _, theirs in pairs),
        figure.unit,
        len(pairs),
    )


def usage_of(ledger: Ledger) -> list[ProcessUsage]:
    """Medians per contender and process."""
    cpu: dict[tuple[str, str], list[float]] = {}
    memory: dict[tuple[str, str], list[float]] = {}
    for contender, measured in chain.from_iterable(one.items() for one in ledger.rounds):
        for usage in measured.usages:
            key = (contender, usage.process)
            memory.setdefault(key, []).append(usage.memory_mib)
            if measured.events:
                cpu.setdefault(key, []).append(usage.cpu_s / measured.events * EVENTS_PER_USAGE)
    return [
        ProcessUsage(ledger.path.name, *key, median(cpu[key]) if key in cpu else None, median(sizes))
        for key, sizes in memory.items()
    ]


def merged(older: Run | None, newer: Run) -> Run:
    """The newer run, with the paths that only the older one has: a long run may be made path by path."""
    if older is None:
        return newer
    fresh = {one.path for one in newer.results} | {one.path for one in newer.usage}
    return Run(
        newer.machine,
        (*(one for one in older.results if one.path not in fresh), *newer.results),
        (*(one for one in older.usage if one.path not in fresh), *newer.usage),
        (*(one for one in older.failures if one.partition(",")[0] not in fresh), *newer.failures),
    )


def to_json(run: Run) -> str:
    """A results file's text."""
    return json.dumps(asdict(run), indent=1, ensure_ascii=False, default=str) + "\n"


def rounds_json(ledgers: Iterable[Ledger]) -> str:
    """The figures of ours, one entry per round: what `--ours-only` writes and `bench.comparison` reads."""
    rounds = [
        {"path": ledger.path.name, "figures": dict(measured.figures)}
        for ledger in ledgers
        for measured in ledger.ours()
    ]
    return json.dumps(rounds, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Run:
    """What `to_json` wrote."""
    held = json.loads(text)
    return Run(
        held["machine"],
        tuple(Result(**{**one, "ratio": Ratio(**one["ratio"])}) for one in held["results"]),
        tuple(ProcessUsage(**one) for one in held.get("usage", [])),
        tuple(held.get("failures", [])),
    )


def compare(before: Iterable[Result], now: Iterable[Result]) -> list[str]:
    """A line for each result that either run has: what moved, and whether beyond both runs' spread."""
    old = {(one.path, one.rival): one for one in before}
    new = {(one.path, one.rival): one for one in now}
    return [_moved(key, old.get(key), new.get(key)) for key in [*old, *(new.keys() - old.keys())]]


def _moved(key: tuple[str, str], old: Result | None, new: Result | None) -> str:
    name = f"{key[0]} ÷ {key[1]}"
    if old is None:
        assert new is not None, "a key of neither run"
        return f"{name}: {new.ratio.median:.2f} (new)"
    if new is None:
        return f"{name}: was {old.ratio.median:.2f} (not measured now)"
    share = new.ratio.median / old.ratio.median - 1
    apart = new.ratio.low > old.ratio.high or new.ratio.high < old.ratio.low
    verdict = ("better" if share > 0 else "worse") if apart else "within the spread"
    return f"{name}: {old.ratio.median:.2f} → {new.ratio.median:.2f} ({share:+.0%}, {verdict})"

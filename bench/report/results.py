"""The results of a run of `make bench`: ratios, goals, JSON, and the comparison of two runs.

The module is pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from statistics import median
from typing import Final

from bench.paths.path_definition import Goal, Measurement, Path

EVENTS_PER_USAGE: Final = 1_000


@dataclass(frozen=True)
class Ratio:
    """The ratio of ours to a rival over all pairs: median, lowest and highest; above 1, ours is better."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Result:
    """The result of one goal: the ratio, and the median of both figures in `unit`.

    `goal` and `met` are None if the ratio is reported without a goal.
    """

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
    """The median CPU time and memory of one process of a contender on a path."""

    path: str
    contender: str
    process: str
    cpu_s_per_1000_events: float | None
    memory_mib: float


@dataclass(frozen=True)
class Run:
    """The content of a results file: all results of one day."""

    machine: Mapping[str, object]
    results: tuple[Result, ...] = ()
    usage: tuple[ProcessUsage, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass
class PathRun:
    """The measurements of one path so far: for each round, a measurement per contender."""

    path: Path
    rounds: list[dict[str, Measurement]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    """The reason for skipping, by contender, or by the path's name if the whole path was skipped."""

    def pairs(self, rival: str) -> list[tuple[Measurement, Measurement]]:
        """Return our measurement and the rival's measurement of each round that has both."""
        ours = self.path.ours.name
        return [(round_[ours], round_[rival]) for round_ in self.rounds if ours in round_ and rival in round_]

    def ours(self) -> list[Measurement]:
        """Return our measurements, one for each round in which ours did not fail."""
        return [round_[self.path.ours.name] for round_ in self.rounds if self.path.ours.name in round_]


def ratio_of(pairs: Sequence[tuple[float, float]], more_is_better: bool) -> Ratio:
    """Return the ratio over pairs (ours, theirs); above 1, ours is better.

    Raises ZeroDivisionError if a divisor is zero.
    """
    ratios = [ours / theirs if more_is_better else theirs / ours for ours, theirs in pairs]
    return Ratio(median(ratios), min(ratios), max(ratios))


def results_of(path_run: PathRun) -> list[Result]:
    """Return the result of each goal that has at least one measured pair."""
    results = (_result_of(path_run, goal) for goal in path_run.path.goals)
    return [result for result in results if result is not None]


def _result_of(path_run: PathRun, goal: Goal) -> Result | None:
    if goal.limit is None:
        pairs = [(a.figures[goal.figure], b.figures[goal.figure]) for a, b in path_run.pairs(goal.rival)]
    else:
        pairs = [(measurement.figures[goal.figure], goal.limit) for measurement in path_run.ours()]
    if not pairs:
        return None
    figure = path_run.path.figures[goal.figure]
    ratio = ratio_of(pairs, figure.more_is_better)
    return Result(
        path_run.path.name,
        path_run.path.label(goal),
        ratio,
        goal.at_least,
        None if goal.at_least is None else ratio.median >= goal.at_least,
        median(ours for ours, _ in pairs),
        median(theirs for _, theirs in pairs),
        figure.unit,
        len(pairs),
    )


def run_of(machine: Mapping[str, object], path_runs: Sequence[PathRun]) -> Run:
    """Combine the results, usages and failures of all path runs."""
    return Run(
        machine,
        tuple(result for path_run in path_runs for result in results_of(path_run)),
        tuple(usage for path_run in path_runs for usage in usage_of(path_run)),
        tuple(failure for path_run in path_runs for failure in path_run.failures),
    )


def usage_of(path_run: PathRun) -> list[ProcessUsage]:
    """Return the median usage of each process of each contender."""
    cpu: dict[tuple[str, str], list[float]] = {}
    memory: dict[tuple[str, str], list[float]] = {}
    for contender, measurement in chain.from_iterable(round_.items() for round_ in path_run.rounds):
        for usage in measurement.usages:
            key = (contender, usage.process)
            memory.setdefault(key, []).append(usage.memory_mib)
            if measurement.events:
                cpu.setdefault(key, []).append(usage.cpu_s / measurement.events * EVENTS_PER_USAGE)
    return [
        ProcessUsage(path_run.path.name, *key, median(cpu[key]) if key in cpu else None, median(sizes))
        for key, sizes in memory.items()
    ]


def merged(older: Run | None, newer: Run) -> Run:
    """Return the newer run, with the older run's results added for paths that only the older run has.

    So a long run may be split into one run per path.
    """
    if older is None:
        return newer
    fresh = {result.path for result in newer.results} | {usage.path for usage in newer.usage}
    return Run(
        newer.machine,
        (*(result for result in older.results if result.path not in fresh), *newer.results),
        (*(usage for usage in older.usage if usage.path not in fresh), *newer.usage),
        (*(failure for failure in older.failures if failure.partition(",")[0] not in fresh), *newer.failures),
    )


def to_json(run: Run) -> str:
    """Return the text of a results file."""
    return json.dumps(asdict(run), indent=1, ensure_ascii=False, default=str) + "\n"


def rounds_json(path_runs: Iterable[PathRun]) -> str:
    """Return our figures per round as JSON, which `--ours-only` writes and `bench.comparison` reads."""
    rounds = [
        {"path": path_run.path.name, "figures": dict(measurement.figures)}
        for path_run in path_runs
        for measurement in path_run.ours()
    ]
    return json.dumps(rounds, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Run:
    """Read the text of a results file."""
    content = json.loads(text)
    return Run(
        content["machine"],
        tuple(Result(**{**result, "ratio": Ratio(**result["ratio"])}) for result in content["results"]),
        tuple(ProcessUsage(**usage) for usage in content.get("usage", [])),
        tuple(content.get("failures", [])),
    )


def compare(before: Iterable[Result], now: Iterable[Result]) -> list[str]:
    """Return a line per result of either run: the change, and whether it exceeds the spread of both runs."""
    old = {(result.path, result.rival): result for result in before}
    new = {(result.path, result.rival): result for result in now}
    return [_change(key, old.get(key), new.get(key)) for key in [*old, *(new.keys() - old.keys())]]


def _change(key: tuple[str, str], old: Result | None, new: Result | None) -> str:
    name = f"{key[0]} ÷ {key[1]}"
    if old is None:
        assert new is not None, "each key is from one of the runs"
        return f"{name}: {new.ratio.median:.2f} (new)"
    if new is None:
        return f"{name}: was {old.ratio.median:.2f} (not measured now)"
    relative = new.ratio.median / old.ratio.median - 1
    apart = new.ratio.low > old.ratio.high or new.ratio.high < old.ratio.low
    verdict = ("better" if relative > 0 else "worse") if apart else "within the spread"
    return f"{name}: {old.ratio.median:.2f} → {new.ratio.median:.2f} ({relative:+.0%}, {verdict})"


def summary_lines(run: Run) -> list[str]:
    """Return a line per result and a line per failure, for the terminal."""
    return [*map(_summary, run.results), *(f"FAILED: {failure}" for failure in run.failures)]


def _summary(result: Result) -> str:
    ratio = result.ratio
    goal = "" if result.goal is None else f"  goal {result.goal:g}: {'met' if result.met else 'NOT met'}"
    return (
        f"{result.path} ÷ {result.rival}: {ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f}, "
        f"{result.pairs} pairs; {number(result.ours)} and {number(result.theirs)} {result.unit}){goal}"
    )


def number(value: float) -> str:
    """Format a number below 1,000 with three significant digits, a larger number as an integer."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"

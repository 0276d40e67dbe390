"""The report of a campaign as JSON, and as Markdown for the terminal and docs/reliability.md."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from faults.campaign_result import CampaignResult

VIOLATIONS_SHOWN_MAX: Final = 10
PAIR: Final = "two faults at once"


@dataclass
class FaultStatistics:
    """The rounds with one kind of fault, their kills and their recovery times.

    The kills and the recovery time of a round with two faults are counted under PAIR, because they belong to
    neither kind alone.
    """

    kind: str
    times: int = 0
    kills: int = 0
    recovered_s: list[float] = field(default_factory=list)
    not_recovered: int = 0


def failure_rate_bound(cases: int) -> str:
    """Return the highest failure rate, at 95 % confidence, if none of `cases` cases has failed.

    After n cases it is 3/n (Hanley, Lippman-Hand, 1983).
    """
    return f"{3 / cases:.1e}" if cases else "none"


def as_json(result: CampaignResult) -> dict[str, Any]:
    """Format the whole result as JSON."""
    return {
        "holds": result.holds,
        "kills": result.kills,
        "rounds": len(result.rounds),
        "events": result.events,
        "took_s": round(result.took_s),
        "seed": result.plan.seed,
        "brokers": result.plan.brokers,
        "untried": result.not_tried,
        "invariants": [
            {
                "number": invariant.number,
                "name": invariant.name,
                "holds": invariant.holds,
                "cases": invariant.cases,
                "failure_rate_below": 3 / invariant.cases if invariant.holds else None,
                "notes": invariant.notes,
                "violations": invariant.violations[:VIOLATIONS_SHOWN_MAX],
                "violations_total": len(invariant.violations),
            }
            for invariant in result.invariants
        ],
        "faults": [_kind_as_json(statistics) for statistics in fault_statistics(result)],
        "tried": dict(
            sorted(
                Counter(fault.name for fault_round in result.rounds for fault in fault_round.faults).items()
            )
        ),
    }


def _kind_as_json(statistics: FaultStatistics) -> dict[str, Any]:
    times = statistics.recovered_s
    return {
        "kind": statistics.kind,
        "times": statistics.times,
        "kills": statistics.kills,
        "recovered_s_median": round(median(times), 1) if times else None,
        "recovered_s_max": round(max(times), 1) if times else None,
        "not_recovered": statistics.not_recovered,
    }


def fault_statistics(result: CampaignResult) -> list[FaultStatistics]:
    """Summarise the rounds per kind of fault, sorted by kind."""
    kinds: dict[str, FaultStatistics] = {}
    for fault_round in result.rounds:
        is_pair = len(fault_round.faults) > 1
        for kind in [*(fault.kind for fault in fault_round.faults), *([PAIR] if is_pair else [])]:
            kinds.setdefault(kind, FaultStatistics(kind)).times += 1
        statistics = kinds[PAIR if is_pair else fault_round.faults[0].kind]
        statistics.kills += fault_round.kills
        if fault_round.recovered_s is None:
            statistics.not_recovered += 1
        else:
            statistics.recovered_s.append(fault_round.recovered_s)
    return sorted(kinds.values(), key=lambda statistics: statistics.kind)


def as_markdown(result: CampaignResult) -> str:
    """Format a table of the invariants with their cases, and a table of the faults with recovery times."""
    lines = [
        f"{result.kills} kills in {len(result.rounds)} rounds, {result.events:,} events, "
        f"{result.plan.brokers} broker(s), {os.cpu_count()} cores, {result.took_s / 60:.0f} minutes, "
        f"seed {result.plan.seed}.",
        *(f"Not tried: {text}." for text in result.not_tried),
        "",
        "| | invariant | cases | violations | failure rate below (95 %) | details |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {invariant.number} | {invariant.name} | {invariant.cases:,} | {len(invariant.violations)} | "
        f"{failure_rate_bound(invariant.cases) if invariant.holds else '–'} | {'; '.join(invariant.notes)} |"
        for invariant in result.invariants
    ]
    lines += [
        "",
        "| fault | times | kills | recovery time: median | max |",
        "| --- | --- | --- | --- | --- |",
    ]
    for statistics in fault_statistics(result):
        times = statistics.recovered_s
        recovery = f"{median(times):.1f} s | {max(times):.1f} s" if times else "– | –"
        late = f", {statistics.not_recovered} not recovered" if statistics.not_recovered else ""
        lines.append(f"| {statistics.kind} | {statistics.times} | {statistics.kills} | {recovery}{late} |")
    return "\n".join(lines)


def violation_lines(result: CampaignResult) -> list[str]:
    """Return one line per violation, at most VIOLATIONS_SHOWN_MAX for each invariant."""
    lines = []
    for invariant in result.invariants:
        lines += [f"{invariant.number}: {text}" for text in invariant.violations[:VIOLATIONS_SHOWN_MAX]]
        if not invariant.cases:
            lines.append(f"{invariant.number}: no case was checked")
    return lines

"""What a campaign found, for a terminal, for a program and for docs/reliability.md."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from faults.campaign_result import Verdict

VIOLATIONS_SHOWN_MAX: Final = 10
TOGETHER: Final = "two at a time"


@dataclass
class Tried:
    """One kind of fault: kills and recoveries are those of rounds where it was alone."""

    kind: str
    times: int = 0
    kills: int = 0
    recovered_s: list[float] = field(default_factory=list)
    not_recovered: int = 0


def bound(cases: int) -> str:
    """The failure rate that n cases without a failure exclude at 95 %: 3/n (Hanley, Lippman-Hand, 1983)."""
    return f"{3 / cases:.1e}" if cases else "none"


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The whole verdict."""
    return {
        "holds": verdict.holds,
        "kills": verdict.kills,
        "rounds": len(verdict.rounds),
        "events": verdict.events,
        "took_s": round(verdict.took_s),
        "seed": verdict.plan.seed,
        "brokers": verdict.plan.brokers,
        "untried": verdict.untried,
        "invariants": [
            {
                "number": one.number,
                "name": one.name,
                "holds": one.holds,
                "cases": one.cases,
                "failure_rate_below": 3 / one.cases if one.holds else None,
                "notes": one.notes,
                "violations": one.violations[:VIOLATIONS_SHOWN_MAX],
                "violations_total": len(one.violations),
            }
            for one in verdict.findings
        ],
        "faults": [_kind_as_json(one) for one in faults(verdict)],
        "tried": dict(sorted(Counter(fault.name for one in verdict.rounds for fault in one.faults).items())),
    }


def _kind_as_json(one: Tried) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "times": one.times,
        "kills": one.kills,
        "recovered_s_median": round(median(one.recovered_s), 1) if one.recovered_s else None,
        "recovered_s_max": round(max(one.recovered_s), 1) if one.recovered_s else None,
        "not_recovered": one.not_recovered,
    }


def faults(verdict: Verdict) -> list[Tried]:
    """Per kind of fault, in the order of their names."""
    kinds: dict[str, Tried] = {}
    for one in verdict.rounds:
        together = len(one.faults) > 1
        for kind in [*(fault.kind for fault in one.faults), *([TOGETHER] if together else [])]:
            kinds.setdefault(kind, Tried(kind)).times += 1
        tried = kinds[TOGETHER if together else one.faults[0].kind]
        tried.kills += one.kills
        if one.recovered_s is None:
            tried.not_recovered += 1
        else:
            tried.recovered_s.append(one.recovered_s)
    return sorted(kinds.values(), key=lambda tried: tried.kind)


def as_markdown(verdict: Verdict) -> str:
    """Two tables: invariants with their cases, faults with their times to recover."""
    lines = [
        f"{verdict.kills} kills in {len(verdict.rounds)} rounds, {verdict.events:,} events, "
        f"{verdict.plan.brokers} broker(s), {os.cpu_count()} cores, {verdict.took_s / 60:.0f} minutes, "
        f"seed {verdict.plan.seed}.",
        *(f"Not tried here: {text}." for text in verdict.untried),
        "",
        "| | invariant | cases | violations | failure rate below (95 %) | seen |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one.number} | {one.name} | {one.cases:,} | {len(one.violations)} | "
        f"{bound(one.cases) if one.holds else '–'} | {'; '.join(one.notes)} |"
        for one in verdict.findings
    ]
    lines += ["", "| fault | times | kills | recovered in: median | max |", "| --- | --- | --- | --- | --- |"]
    for one in faults(verdict):
        taken = (
            f"{median(one.recovered_s):.1f} s | {max(one.recovered_s):.1f} s" if one.recovered_s else "– | –"
        )
        late = f", {one.not_recovered} not recovered" if one.not_recovered else ""
        lines.append(f"| {one.kind} | {one.times} | {one.kills} | {taken}{late} |")
    return "\n".join(lines)


def complaints(verdict: Verdict) -> list[str]:
    """Each violation, the first few of every invariant."""
    found = []
    for one in verdict.findings:
        found += [f"{one.number}: {text}" for text in one.violations[:VIOLATIONS_SHOWN_MAX]]
        if not one.cases:
            found.append(f"{one.number}: nothing was looked at")
    return found

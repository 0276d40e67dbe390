"""What a campaign found, for a terminal, for a program and for docs/reliability.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from statistics import median
from typing import Any

from tests.faults.verdict import Verdict

VIOLATIONS_SHOWN_MAX = 10


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
        "planted": dict(verdict.plan.planted),
        "invariants": [
            {
                "number": one.number,
                "name": one.name,
                "holds": one.holds,
                "cases": one.cases,
                "notes": one.notes,
                "violations": one.violations[:VIOLATIONS_SHOWN_MAX],
                "violations_total": len(one.violations),
            }
            for one in verdict.findings
        ],
        "faults": [
            {"kind": kind, "times": times, "kills": kills, "recovered_s": recovered}
            for kind, times, kills, recovered in faults(verdict)
        ],
    }


def faults(verdict: Verdict) -> Iterator[tuple[str, int, int, list[float]]]:
    """Per kind of fault: times tried, kills, and seconds to recover where it was alone."""
    times: dict[str, int] = defaultdict(int)
    kills: dict[str, int] = defaultdict(int)
    recovered: dict[str, list[float]] = defaultdict(list)
    for one in verdict.rounds:
        for fault in one.faults:
            times[fault.kind] += 1
        kind = one.faults[0].kind if len(one.faults) == 1 else "two at a time"
        if len(one.faults) > 1:
            times[kind] += 1
        kills[kind] += one.kills
        recovered[kind].append(float("inf") if one.recovered_s is None else one.recovered_s)
    for kind in sorted(times):
        yield kind, times[kind], kills[kind], recovered[kind]


def as_markdown(verdict: Verdict) -> str:
    """Two tables: invariants with their cases, faults with their times to recover."""
    lines = [
        f"{verdict.kills} kills in {len(verdict.rounds)} rounds, {verdict.events:,} events, "
        f"{verdict.plan.brokers} broker(s), {verdict.took_s / 60:.0f} minutes, seed {verdict.plan.seed}.",
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
    for kind, times, kills, recovered in faults(verdict):
        taken = f"{median(recovered):.1f} s | {max(recovered):.1f} s" if recovered else "– | –"
        lines.append(f"| {kind} | {times} | {kills} | {taken} |")
    return "\n".join(lines)


def complaints(verdict: Verdict) -> list[str]:
    """Each violation, the first few of every invariant."""
    found = []
    for one in verdict.findings:
        found += [f"{one.number}: {text}" for text in one.violations[:VIOLATIONS_SHOWN_MAX]]
        if not one.cases:
            found.append(f"{one.number}: nothing was looked at")
    return found

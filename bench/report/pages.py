"""Renders a run as the section of docs/performance.md between its two markers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bench.paths.model import Path
from bench.report.results import ProcessUsage, Result, Run

BEGIN: Final = "<!-- results: written by make bench from here -->"
END: Final = "<!-- results: to here -->"


def page_with(page: str, section: str) -> str:
    """The page with the section between its markers; raises ValueError where it has none."""
    if BEGIN not in page or END not in page:
        raise ValueError(f"the page lacks its markers {BEGIN} and {END}")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{section.strip()}\n{END}{after}"


def section_of(run: Run, date: str, paths: Sequence[Path]) -> str:
    """Machine, then per path its ratios, its plot, and what each process used."""
    parts = [f"### Measured on {date}", machine_lines(run.machine)]
    about = {path.name: path.about for path in paths}
    for name in dict.fromkeys(one.path for one in run.results):
        parts.append(f"### {name}")
        if name in about:
            parts.append(about[name])
        parts.append(results_table([one for one in run.results if one.path == name]))
        parts.append(f"![Ratios of {name}](images/performance-{name}.svg)")
        usages = [one for one in run.usage if one.path == name]
        if usages:
            parts.append(usage_table(usages))
    if run.failures:
        parts.append("Failed: " + "; ".join(run.failures) + ".")
    return "\n\n".join(parts)


def machine_lines(machine: Mapping[str, object]) -> str:
    """The machine's facts as a list; nested ones on one line."""
    return "\n".join(f"- {key.replace('_', ' ')}: {_flat(value)}" for key, value in machine.items())


def _flat(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_flat(one)}" for key, one in value.items())
    return str(value)


def results_table(results: Sequence[Result]) -> str:
    """Rival, medians, ratio with its spread, goal, and whether it was met."""
    rows = ["| rival | ours | theirs | unit | ratio (lowest to highest) | goal | met |"]
    rows.append("|---|--:|--:|---|--:|--:|---|")
    for one in results:
        goal = "–" if one.goal is None else f"≥ {one.goal:g} ×"
        met = {True: "yes", False: "**no**", None: "–"}[one.met]
        ratio = f"{one.ratio.median:.2f} × ({one.ratio.low:.2f} to {one.ratio.high:.2f}, {one.pairs} pairs)"
        rows.append(
            f"| {one.rival} | {number(one.ours)} | {number(one.theirs)} | {one.unit} "
            f"| {ratio} | {goal} | {met} |"
        )
    return "\n".join(rows)


def usage_table(usages: Sequence[ProcessUsage]) -> str:
    """CPU seconds per 1,000 events and memory, per contender and process."""
    rows = ["| contender | process | CPU s per 1,000 events | memory, MiB |", "|---|---|--:|--:|"]
    for one in usages:
        cpu = "–" if one.cpu_s_per_1000_events is None else f"{one.cpu_s_per_1000_events:.4f}"
        rows.append(f"| {one.contender} | {one.process} | {cpu} | {one.memory_mib:,.0f} |")
    return "\n".join(rows)


def number(value: float) -> str:
    """Three figures for what is small, whole numbers for what is not."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"

"""Renders a run as Markdown: the section between the two markers of docs/performance.md.

The module is pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bench.paths.path_definition import Path
from bench.report.results import ProcessUsage, Result, Run, number

BEGIN: Final = "<!-- results: written by make bench from here -->"
END: Final = "<!-- results: to here -->"


def page_with(page: str, section: str) -> str:
    """Return the page with `section` between its markers. ValueError if the page has no markers."""
    if BEGIN not in page or END not in page:
        raise ValueError(f"the page lacks its markers {BEGIN} and {END}")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{section.strip()}\n{END}{after}"


def section_of(run: Run, date: str, paths: Sequence[Path]) -> str:
    """Return the section: the machine, then each path's ratios, plot and usage of each process."""
    parts = [f"### Measured on {date}", machine_lines(run.machine)]
    about = {path.name: path.about for path in paths}
    for name in dict.fromkeys(result.path for result in run.results):
        parts.append(f"### {name}")
        if name in about:
            parts.append(about[name])
        parts.append(results_table([result for result in run.results if result.path == name]))
        parts.append(f"![Ratios of {name}](images/performance-{name}.svg)")
        usages = [usage for usage in run.usage if usage.path == name]
        if usages:
            parts.append(usage_table(usages))
    if run.failures:
        parts.append("Failed: " + "; ".join(run.failures) + ".")
    return "\n\n".join(parts)


def machine_lines(machine: Mapping[str, object]) -> str:
    """Return the machine's facts as a list; nested facts are on one line."""
    return "\n".join(f"- {key.replace('_', ' ')}: {_flat(value)}" for key, value in machine.items())


def _flat(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_flat(inner)}" for key, inner in value.items())
    return str(value)


def results_table(results: Sequence[Result]) -> str:
    """Return a table of rivals: medians, ratio with its spread, goal, and whether the goal is met."""
    rows = ["| rival | ours | theirs | unit | ratio (lowest to highest) | goal | met |"]
    rows.append("|---|--:|--:|---|--:|--:|---|")
    for result in results:
        goal = "–" if result.goal is None else f"≥ {result.goal:g} ×"
        met = {True: "yes", False: "**no**", None: "–"}[result.met]
        spread = f"{result.ratio.low:.2f} to {result.ratio.high:.2f}, {result.pairs} pairs"
        ratio = f"{result.ratio.median:.2f} × ({spread})"
        rows.append(
            f"| {result.rival} | {number(result.ours)} | {number(result.theirs)} | {result.unit} "
            f"| {ratio} | {goal} | {met} |"
        )
    return "\n".join(rows)


def usage_table(usages: Sequence[ProcessUsage]) -> str:
    """Return a table of CPU seconds per 1,000 events and of memory, by contender and process."""
    rows = ["| contender | process | CPU s per 1,000 events | memory, MiB |", "|---|---|--:|--:|"]
    for usage in usages:
        cpu = "–" if usage.cpu_s_per_1000_events is None else f"{usage.cpu_s_per_1000_events:.4f}"
        rows.append(f"| {usage.contender} | {usage.process} | {cpu} | {usage.memory_mib:,.0f} |")
    return "\n".join(rows)

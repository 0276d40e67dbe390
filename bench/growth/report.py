"""Writes growth results to bench/results/growth-<date>.json, docs/scaling.md and its plots."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.growth.dimensions import DIMENSIONS
from bench.report.markdown_page import machine_lines, page_with
from bench.report.plots import Line, growth_lines
from bench.report.results import number

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "scaling.md"
IMAGES: Final = ROOT / "docs" / "images"
RESULTS: Final = ROOT / "bench" / "results"


@dataclass(frozen=True)
class GrowthResult:
    """The measured points of one dimension: (size, values by name)."""

    name: str
    what: str
    units: dict[str, str]
    points: list[tuple[int, dict[str, float]]]


def results_file(date: str) -> Path:
    """Return the path of the JSON file of a day (ISO 8601 date)."""
    return RESULTS / f"growth-{date}.json"


def read_results(date: str) -> dict[str, GrowthResult]:
    """Return the results of a day by dimension; empty if the day has no file."""
    file = results_file(date)
    if not file.exists():
        return {}
    return {
        growth["name"]: GrowthResult(**growth) for growth in json.loads(file.read_text("utf-8"))["growths"]
    }


def write_results(machine: Mapping[str, object], date: str, results: Sequence[GrowthResult]) -> list[Path]:
    """Write JSON, plots and page; return the paths of JSON file and page, relative to the repository."""
    file = results_file(date)
    file.parent.mkdir(exist_ok=True)
    content = {"machine": machine, "growths": [asdict(result) for result in results]}
    file.write_text(json.dumps(content, indent=1, default=str) + "\n", "utf-8")
    plotted = {dimension.name: dimension.plotted for dimension in DIMENSIONS}
    for result in results:
        (IMAGES / f"scaling-{result.name}.svg").write_text(plot(result, plotted[result.name]), "utf-8")
    section = "\n\n".join([f"Measured on {date}.", machine_lines(machine), *map(table, results)])
    PAGE.write_text(page_with(PAGE.read_text("utf-8"), section), "utf-8")
    return [file.relative_to(ROOT), PAGE.relative_to(ROOT)]


def plot(result: GrowthResult, names: Sequence[str]) -> str:
    """Return an SVG plot of the values `names` of a result."""
    lines = [Line(name, [(size, values[name]) for size, values in result.points]) for name in names]
    return growth_lines(result.name, result.what, result.units[names[0]], lines)


def table(result: GrowthResult) -> str:
    """Return Markdown with a heading, the plot and a table of the measured points."""
    rows = [f"| {result.what} | " + " | ".join(result.units.values()) + " |"]
    rows.append("|--:|" + "--:|" * len(result.units))
    for size, values in result.points:
        rows.append(f"| {size:,} | " + " | ".join(number(values[key]) for key in result.units) + " |")
    image = f"![{result.name}](images/scaling-{result.name}.svg)"
    return "\n\n".join([f"### {result.name}", image, "\n".join(rows)])

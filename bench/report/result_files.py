"""Writes a run to the results file of the day, and to docs/performance.md once the file has every path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.paths.path_definition import Path as MeasuredPath
from bench.paths.path_definition import Scale
from bench.report.markdown_page import page_with, section_of
from bench.report.plots import charts
from bench.report.results import Run, from_json, merged, to_json


@dataclass(frozen=True)
class ResultFiles:
    """The files of a repository with the results of one day (ISO 8601 date)."""

    root: Path
    date: str

    @property
    def page(self) -> Path:
        return self.root / "docs" / "performance.md"

    @property
    def images(self) -> Path:
        return self.root / "docs" / "images"

    def results(self, scale: Scale) -> Path:
        """Return the path of the JSON file for runs at this scale."""
        base = self.root if scale is Scale.FULL else self.root / ".local"
        return base / "bench" / "results" / f"{self.date}.json"


def write(
    files: ResultFiles, run: Run, scale: Scale, tried: Iterable[str], paths: Sequence[MeasuredPath]
) -> list[str]:
    """Merge the run into the results file of the day; write page and plots if the file then has every path.

    `tried` names the paths that were run, including those without a result. Return messages for the user.
    """
    if not run.results:
        return []
    file = files.results(scale)
    file.parent.mkdir(parents=True, exist_ok=True)
    earlier = None
    with suppress(FileNotFoundError):
        earlier = from_json(file.read_text("utf-8"))
    whole = merged(earlier, run)
    file.write_text(to_json(whole), "utf-8")
    messages = [f"written: {file.relative_to(files.root)}"]
    if scale is not Scale.FULL:
        return messages
    tried_today = {result.path for result in whole.results} | set(tried)
    missing = [path.name for path in paths if path.name not in tried_today]
    page = files.page.relative_to(files.root)
    if missing:
        return [*messages, f"{page} is not updated: {file.name} has no results yet of {', '.join(missing)}"]
    _write_page(files, whole, paths)
    return [*messages, f"written: {page}"]


def _write_page(files: ResultFiles, run: Run, paths: Sequence[MeasuredPath]) -> None:
    files.images.mkdir(exist_ok=True)
    for name, svg in charts(run.results).items():
        (files.images / f"performance-{name}.svg").write_text(svg, "utf-8")
    files.page.write_text(
        page_with(files.page.read_text("utf-8"), section_of(run, files.date, paths)), "utf-8"
    )

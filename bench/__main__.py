"""The command line of `make bench`: measures the paths beside their rivals and writes the results.

The results of a full-scale run are written to bench/results/<date>.json and docs/performance.md, those of a
quick run to .local/bench. Ctrl-C ends the run; the results so far are written. Paths may also be measured in
separate runs (`--path`): the results file of the day collects the results of all runs, and
docs/performance.md is written once every path has been tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from bench.measurement.machine_info import describe
from bench.measurement.path_runner import measure
from bench.paths.path_definition import Scale
from bench.paths.path_list import PATHS, find
from bench.report.result_files import ResultFiles, write
from bench.report.results import PathRun, compare, from_json, rounds_json, run_of, summary_lines

ROOT: Final = Path(__file__).resolve().parents[1]


def main(
    quick: Annotated[bool, typer.Option(help="Less work and fewer pairs, for orientation.")] = False,
    names: Annotated[
        list[str] | None, typer.Option("--path", help="Only this path; may be repeated.")
    ] = None,
    pairs: Annotated[int, typer.Option(help="Number of pairs; 0 takes each path's default.")] = 0,
    compare_with: Annotated[
        Path | None, typer.Option("--compare", help="A results file: print the changes since then.")
    ] = None,
    ours_only: Annotated[
        Path | None, typer.Option(help="Measure without rivals and write the figures to this file only.")
    ] = None,
) -> None:
    """Measure the paths, print the results and write them."""
    try:
        chosen = find(names or [])
    except KeyError as error:
        typer.echo(f"unknown path {error}; known paths: {', '.join(path.name for path in PATHS)}", err=True)
        raise typer.Exit(2) from error
    scale = Scale.QUICK if quick else Scale.FULL
    older = from_json(compare_with.read_text("utf-8")) if compare_with else None
    machine = {**describe(), "scale": scale.value}
    path_runs = [PathRun(path if ours_only is None else replace(path, rivals=())) for path in chosen]
    interrupted = _measure_all(path_runs, scale, pairs)
    run = run_of(machine, path_runs)
    _echo(summary_lines(run))
    if older is not None:
        _echo(["", f"since {compare_with}:", *compare(older.results, run.results)])
    if ours_only is None:
        files = ResultFiles(ROOT, datetime.now().astimezone().date().isoformat())
        _echo(write(files, run, scale, [path.name for path in chosen], PATHS))
    else:
        ours_only.write_text(rounds_json(path_runs), "utf-8")
    if interrupted or run.failures:
        raise typer.Exit(1)


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def _measure_all(path_runs: list[PathRun], scale: Scale, pairs: int) -> bool:
    """Measure the paths in turn; True if Ctrl-C ended the run."""

    async def measure_in_turn() -> None:
        for path_run in path_runs:
            default = path_run.path.pairs_quick if scale is Scale.QUICK else path_run.path.pairs
            await measure(path_run, scale, pairs or default, lambda text: typer.echo(text))

    try:
        asyncio.run(measure_in_turn())
    except KeyboardInterrupt:
        typer.echo("\ninterrupted; the results so far:")
        return True
    return False


if __name__ == "__main__":
    typer.run(main)

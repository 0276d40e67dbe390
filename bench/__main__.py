"""The command line of `make bench`: measures the paths beside their rivals and writes the results.

A run at full scale goes to bench/results/<date>.json and docs/performance.md, a quick run to .local/bench.
Ctrl-C ends the run; the results so far are written. Paths may also be measured in separate runs (`--path`):
the file of the day collects them, and docs/performance.md is written once every path has been tried.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from bench.measurement.machine_info import describe
from bench.measurement.path_runner import measure
from bench.paths.model import Scale
from bench.paths.registry import PATHS, find
from bench.report.result_files import ResultFiles, write
from bench.report.results import PathRun, compare, from_json, rounds_json, run_of, summary_lines

ROOT: Final = Path(__file__).resolve().parents[1]


def main(
    quick: Annotated[bool, typer.Option(help="Less work and fewer pairs, for orientation.")] = False,
    path: Annotated[list[str] | None, typer.Option(help="Only this path; may be repeated.")] = None,
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
        chosen = find(path or [])
    except KeyError as error:
        typer.echo(f"unknown path {error}; known paths: {', '.join(known.name for known in PATHS)}", err=True)
        raise typer.Exit(2) from error
    scale = Scale.QUICK if quick else Scale.FULL
    older = from_json(compare_with.read_text("utf-8")) if compare_with else None
    machine = {**describe(), "scale": scale.value}
    path_runs = [
        PathRun(chosen_path if ours_only is None else replace(chosen_path, rivals=()))
        for chosen_path in chosen
    ]
    interrupted = False
    try:
        asyncio.run(_measure_all(path_runs, scale, pairs))
    except KeyboardInterrupt:
        interrupted = True
        typer.echo("\ninterrupted; the results so far:")
    run = run_of(machine, path_runs)
    typer.echo("\n".join(summary_lines(run)))
    if older is not None:
        typer.echo("\n".join(["", f"since {compare_with}:", *compare(older.results, run.results)]))
    if ours_only is None:
        files = ResultFiles(ROOT, datetime.now().astimezone().date().isoformat())
        typer.echo("\n".join(write(files, run, scale, [path.name for path in chosen], PATHS)))
    else:
        ours_only.write_text(rounds_json(path_runs), "utf-8")
    if interrupted or run.failures:
        raise typer.Exit(1)


async def _measure_all(path_runs: list[PathRun], scale: Scale, pairs: int) -> None:
    for path_run in path_runs:
        default = path_run.path.pairs_quick if scale is Scale.QUICK else path_run.path.pairs
        await measure(path_run, scale, pairs or default, lambda text: typer.echo(text))


if __name__ == "__main__":
    typer.run(main)

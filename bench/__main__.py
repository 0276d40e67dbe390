"""`make bench`: measures the paths side by side with their rivals, and writes down what came of it.

A run at full scale goes to bench/results/<date>.json and docs/performance.md, a quick one to .local/bench.
Ctrl-C ends it; what was measured until then is written. Measured path by path (`--path`), a day's file
gathers them, and becomes the page once all were tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from bench.measurement.machine_info import describe
from bench.measurement.path_runner import measure
from bench.paths.model import Scale
from bench.paths.registry import PATHS, find
from bench.report.pages import number, page_with, section_of
from bench.report.plots import charts
from bench.report.results import (
    Ledger,
    Run,
    compare,
    from_json,
    merged,
    results_of,
    rounds_json,
    to_json,
    usage_of,
)

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "bench" / "results"
QUICK_RESULTS: Final = ROOT / ".local" / "bench" / "results"
PAGE: Final = ROOT / "docs" / "performance.md"
IMAGES: Final = ROOT / "docs" / "images"


def main(
    quick: Annotated[bool, typer.Option(help="Less work and fewer pairs: for orientation.")] = False,
    path: Annotated[list[str] | None, typer.Option(help="Only this path; may be repeated.")] = None,
    pairs: Annotated[int, typer.Option(help="Pairs to take; 0: what each path asks for.")] = 0,
    compare_with: Annotated[
        Path | None, typer.Option("--compare", help="A results file: print what moved since.")
    ] = None,
    ours_only: Annotated[
        Path | None, typer.Option(help="Measure ours without rivals; write its figures to this file only.")
    ] = None,
) -> None:
    """Measure, print, write."""
    try:
        chosen = find(path or [])
    except KeyError as error:
        typer.echo(f"no path {error}; there are: {', '.join(one.name for one in PATHS)}", err=True)
        raise typer.Exit(2) from error
    scale = Scale.QUICK if quick else Scale.FULL
    older = from_json(compare_with.read_text("utf-8")) if compare_with else None
    machine = {**describe(), "scale": scale.value}
    ledgers = [Ledger(one if ours_only is None else replace(one, rivals=())) for one in chosen]
    interrupted = False
    try:
        asyncio.run(_measure_all(ledgers, scale, pairs))
    except KeyboardInterrupt:
        interrupted = True
        typer.echo("\nstopped; what was measured until now:")
    run = _run_of(machine, ledgers)
    _print(run)
    if older is not None:
        typer.echo("\n".join(["", f"since {compare_with}:", *compare(older.results, run.results)]))
    if ours_only is None:
        _write(run, scale, [path.name for path in chosen])
    else:
        ours_only.write_text(rounds_json(ledgers), "utf-8")
    if interrupted or run.failures:
        raise typer.Exit(1)


def _run_of(machine: Mapping[str, object], ledgers: Sequence[Ledger]) -> Run:
    return Run(
        machine,
        tuple(result for ledger in ledgers for result in results_of(ledger)),
        tuple(usage for ledger in ledgers for usage in usage_of(ledger)),
        tuple(failure for ledger in ledgers for failure in ledger.failures),
    )


async def _measure_all(ledgers: list[Ledger], scale: Scale, pairs: int) -> None:
    for ledger in ledgers:
        asked = ledger.path.pairs_quick if scale is Scale.QUICK else ledger.path.pairs
        await measure(ledger, scale, pairs or asked, lambda text: typer.echo(text))


def _print(run: Run) -> None:
    for one in run.results:
        goal = "" if one.goal is None else f"  goal {one.goal:g}: {'met' if one.met else 'NOT met'}"
        typer.echo(
            f"{one.path} ÷ {one.rival}: {one.ratio.median:.2f} ({one.ratio.low:.2f} to {one.ratio.high:.2f}, "
            f"{one.pairs} pairs; {number(one.ours)} and {number(one.theirs)} {one.unit}){goal}"
        )
    for failure in run.failures:
        typer.echo(f"FAILED: {failure}")


def _write(run: Run, scale: Scale, tried: Iterable[str]) -> None:
    if not run.results:
        return
    date = datetime.now().astimezone().date().isoformat()
    folder = RESULTS if scale is Scale.FULL else QUICK_RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{date}.json"
    held = None
    with suppress(FileNotFoundError):
        held = from_json(file.read_text("utf-8"))
    whole = merged(held, run)
    file.write_text(to_json(whole), "utf-8")
    typer.echo(f"written: {file.relative_to(ROOT)}")
    seen = {one.path for one in whole.results} | set(tried)
    missing = [path.name for path in PATHS if path.name not in seen]
    if scale is Scale.FULL and missing:
        typer.echo(f"{PAGE.relative_to(ROOT)} stays as it is until {file.name} has {', '.join(missing)}, too")
    elif scale is Scale.FULL:
        IMAGES.mkdir(exist_ok=True)
        for name, svg in charts(whole.results).items():
            (IMAGES / f"performance-{name}.svg").write_text(svg, "utf-8")
        PAGE.write_text(page_with(PAGE.read_text("utf-8"), section_of(whole, date, PATHS)), "utf-8")
        typer.echo(f"written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    typer.run(main)

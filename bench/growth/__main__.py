"""The command line of `make bench-growth`: measures cost and memory as the work grows."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from bench.growth.dimensions import DIMENSIONS, Dimension
from bench.growth.report import GrowthResult, read_results, write_results
from bench.measurement.machine_info import describe
from bench.report.results import number


def main(
    only: Annotated[list[str] | None, typer.Option(help="Only this dimension; may be repeated.")] = None,
    large: Annotated[bool, typer.Option(help="Also a backlog of ten million events.")] = False,
) -> None:
    """Measure, print and write; the results file of the day collects the dimensions of separate runs."""
    chosen = [dimension for dimension in DIMENSIONS if not only or dimension.name in only]
    if not chosen:
        typer.echo(f"known dimensions: {', '.join(dimension.name for dimension in DIMENSIONS)}", err=True)
        raise typer.Exit(2)
    date = datetime.now().astimezone().date().isoformat()
    results = read_results(date)
    for dimension in chosen:
        results[dimension.name] = asyncio.run(_measure(dimension, large))
        ordered = [results[known.name] for known in DIMENSIONS if known.name in results]
        written = write_results(describe(), date, ordered)
        typer.echo(f"written: {', '.join(map(str, written))}")


async def _measure(dimension: Dimension, large: bool) -> GrowthResult:
    points = []
    async for size, values in dimension.points(large):
        listed = ", ".join(f"{unit} {number(values[key])}" for key, unit in dimension.units.items())
        typer.echo(f"{dimension.name} {size:,}: {listed}")
        points.append((size, {key: values[key] for key in dimension.units}))
    return GrowthResult(dimension.name, dimension.size_label, dimension.units, points)


if __name__ == "__main__":
    typer.run(main)

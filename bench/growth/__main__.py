"""`make bench-growth`: cost and memory as work grows, written to bench/results and docs/scaling.md."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from bench.fixtures.event_backlog import source
from bench.growth import measurements
from bench.growth.measurements import Values
from bench.measurement.machine_info import describe
from bench.report.pages import machine_lines, number, page_with
from bench.report.plots import Line, growth_lines

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "scaling.md"
IMAGES: Final = ROOT / "docs" / "images"
COUNTED: Final = {
    "worker": "CPU of the worker, µs per event",
    "PostgreSQL": "CPU of PostgreSQL, µs per event",
    "memory": "memory of a worker, MiB",
    "rate": "events/s",
}


@dataclass(frozen=True)
class Growth:
    """One thing that grows: what it is, what is measured of it, and which of that is drawn."""

    name: str
    what: str
    units: dict[str, str]
    drawn: tuple[str, ...]
    points: Callable[[bool], AsyncIterator[tuple[int, Values]]]


@dataclass(frozen=True)
class Grown:
    """The points of one."""

    name: str
    what: str
    units: dict[str, str]
    points: list[tuple[int, dict[str, float]]]


async def _backlogs(large: bool) -> AsyncIterator[tuple[int, Values]]:
    async with measurements.counting() as counting:
        # Fewer than some fetches hold are counted before there is anything to time.
        for size in (300_000, 1_000_000, 3_000_000, *((10_000_000,) if large else ())):
            yield size, await counting.count(await counting.backlog(f"n{size}", size))


async def _regions(large: bool) -> AsyncIterator[tuple[int, Values]]:
    async with measurements.counting() as counting:
        for count in (267, 3_000, 20_000, 83_000):
            made = source(measurements.made_up_kelurahan(count))
            yield count, await counting.count(await counting.backlog(f"r{count}", 600_000, made))


async def _scopes(large: bool) -> AsyncIterator[tuple[int, Values]]:
    async with measurements.counting() as counting:
        for count in (1, 10, 100):
            made = measurements.many_scopes(count)
            yield count, await counting.count(await counting.backlog(f"s{count}", 600_000, made))


async def _workers(large: bool) -> AsyncIterator[tuple[int, Values]]:
    async with measurements.counting() as counting:
        backlog = await counting.backlog("w", 2_000_000)
        for count in (1, 2, 4):
            yield count, await counting.count(backlog, count)


def _participants(large: bool) -> AsyncIterator[tuple[int, Values]]:
    return measurements.audits((300_000, 1_000_000, 3_000_000))


async def _viewers(large: bool) -> AsyncIterator[tuple[int, Values]]:
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        async for point in measurements.watched(Path(folder), (1_000, 3_000, 10_000)):
            yield point


BOTH: Final = ("worker", "PostgreSQL")
GROWTHS: Final = (
    Growth("backlog", "events waiting", COUNTED, BOTH, _backlogs),
    Growth("regions", "kelurahan, 600,000 events", COUNTED, BOTH, _regions),
    Growth("scopes", "agencies' scopes, 600,000 events", COUNTED, BOTH, _scopes),
    Growth("workers", "workers, 2 million events", COUNTED, BOTH, _workers),
    Growth(
        "participants",
        "participants in the register",
        {"audit": "one audit, ms", "CPU": "CPU of PostgreSQL for it, ms"},
        ("audit", "CPU"),
        _participants,
    ),
    Growth(
        "viewers",
        "viewers of one board",
        {"CPU": "CPU per update, ms", "p99": "delay p99, ms", "memory": "KiB per viewer"},
        ("CPU", "p99"),
        _viewers,
    ),
)


async def _measured(growth: Growth, large: bool) -> Grown:
    points = []
    async for size, values in growth.points(large):
        told = ", ".join(f"{growth.units[key]} {number(values[key])}" for key in growth.units)
        typer.echo(f"{growth.name} {size:,}: {told}")
        points.append((size, {key: values[key] for key in growth.units}))
    return Grown(growth.name, growth.what, growth.units, points)


def main(
    only: Annotated[list[str] | None, typer.Option(help="Only this growth; may be repeated.")] = None,
    large: Annotated[bool, typer.Option(help="A backlog of ten million too.")] = False,
) -> None:
    """Measure, print, write; a day's file gathers what is measured one by one."""
    chosen = [one for one in GROWTHS if not only or one.name in only]
    if not chosen:
        typer.echo(f"there are: {', '.join(one.name for one in GROWTHS)}", err=True)
        raise typer.Exit(2)
    date = datetime.now().astimezone().date().isoformat()
    file = ROOT / "bench" / "results" / f"growth-{date}.json"
    held = {one.name: one for one in _read(file)}
    for growth in chosen:
        held[growth.name] = asyncio.run(_measured(growth, large))
        _write(file, date, [held[one.name] for one in GROWTHS if one.name in held])


def _read(file: Path) -> list[Grown]:
    return [Grown(**one) for one in json.loads(file.read_text("utf-8"))["growths"]] if file.exists() else []


def _write(file: Path, date: str, grown: Sequence[Grown]) -> None:
    machine = describe()
    file.parent.mkdir(exist_ok=True)
    text = json.dumps({"machine": machine, "growths": [asdict(one) for one in grown]}, indent=1, default=str)
    file.write_text(text + "\n", "utf-8")
    drawn = {one.name: one.drawn for one in GROWTHS}
    for one in grown:
        lines = [Line(key, [(size, values[key]) for size, values in one.points]) for key in drawn[one.name]]
        unit = one.units[drawn[one.name][0]]
        svg = growth_lines(one.name, one.what, unit, lines)
        (IMAGES / f"scaling-{one.name}.svg").write_text(svg, "utf-8")
    section = "\n\n".join([f"Measured on {date}.", machine_lines(machine), *map(table, grown)])
    PAGE.write_text(page_with(PAGE.read_text("utf-8"), section), "utf-8")
    typer.echo(f"written: {file.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}")


def table(grown: Grown) -> str:
    """A growth's heading, plot and points."""
    rows = [f"| {grown.what} | " + " | ".join(grown.units.values()) + " |"]
    rows.append("|--:|" + "--:|" * len(grown.units))
    for size, values in grown.points:
        rows.append(f"| {size:,} | " + " | ".join(number(values[key]) for key in grown.units) + " |")
    image = f"![{grown.name}](images/scaling-{grown.name}.svg)"
    return "\n\n".join([f"### {grown.name}", image, "\n".join(rows)])


if __name__ == "__main__":
    typer.run(main)

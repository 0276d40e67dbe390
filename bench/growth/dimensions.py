"""The dimensions of growth: for each, the measured sizes, the measured values and the plotted values."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.fixtures.event_backlog import event_generator
from bench.growth import measurements
from bench.growth.measurements import Values

COUNTING_UNITS: Final = {
    "worker": "CPU of the worker, µs per event",
    "PostgreSQL": "CPU of PostgreSQL, µs per event",
    "memory": "memory of a worker, MiB",
    "rate": "events/s",
}
CPU_OF_BOTH: Final = ("worker", "PostgreSQL")


@dataclass(frozen=True)
class Dimension:
    """A quantity that grows. `units` labels each measured value; `plotted` names the plotted values."""

    name: str
    size_label: str
    units: dict[str, str]
    plotted: tuple[str, ...]
    points: Callable[[bool], AsyncIterator[tuple[int, Values]]]
    """Measures at each size and yields (size, values). If its argument is True, it adds the largest size."""


async def _backlog_sizes(large: bool) -> AsyncIterator[tuple[int, Values]]:
    async with measurements.counting() as counting:
        # A worker counts a smaller backlog in a few fetches, which is too short to be timed.
        for size in (300_000, 1_000_000, 3_000_000, *((10_000_000,) if large else ())):
            yield size, await counting.count(await counting.backlog(f"n{size}", size))


async def _region_counts(large: bool) -> AsyncIterator[tuple[int, Values]]:
    async with measurements.counting() as counting:
        for count in (267, 3_000, 20_000, 83_000):
            generator = event_generator(measurements.synthetic_kelurahan(count))
            yield count, await counting.count(await counting.backlog(f"r{count}", 600_000, generator))


async def _scope_counts(large: bool) -> AsyncIterator[tuple[int, Values]]:
    async with measurements.counting() as counting:
        for count in (1, 10, 100):
            generator = measurements.generator_with_agencies(count)
            yield count, await counting.count(await counting.backlog(f"s{count}", 600_000, generator))


async def _worker_counts(large: bool) -> AsyncIterator[tuple[int, Values]]:
    async with measurements.counting() as counting:
        backlog = await counting.backlog("w", 2_000_000)
        for count in (1, 2, 4):
            yield count, await counting.count(backlog, count)


def _participant_counts(large: bool) -> AsyncIterator[tuple[int, Values]]:
    return measurements.audits((300_000, 1_000_000, 3_000_000))


async def _viewer_counts(large: bool) -> AsyncIterator[tuple[int, Values]]:
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        async for point in measurements.board_updates(Path(folder), (1_000, 3_000, 10_000)):
            yield point


DIMENSIONS: Final = (
    Dimension("backlog", "events waiting", COUNTING_UNITS, CPU_OF_BOTH, _backlog_sizes),
    Dimension("regions", "kelurahan, 600,000 events", COUNTING_UNITS, CPU_OF_BOTH, _region_counts),
    Dimension("scopes", "agencies' scopes, 600,000 events", COUNTING_UNITS, CPU_OF_BOTH, _scope_counts),
    Dimension("workers", "workers, 2 million events", COUNTING_UNITS, CPU_OF_BOTH, _worker_counts),
    Dimension(
        "participants",
        "participants in the register",
        {"audit": "one audit, ms", "CPU": "CPU of PostgreSQL for it, ms"},
        ("audit", "CPU"),
        _participant_counts,
    ),
    Dimension(
        "viewers",
        "viewers of one board",
        {"CPU": "CPU per update, ms", "p99": "delay p99, ms", "memory": "KiB per viewer"},
        ("CPU", "p99"),
        _viewer_counts,
    ),
)

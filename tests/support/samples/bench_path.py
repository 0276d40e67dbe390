"""A sample of a benchmark path, whose contenders return fixed measurements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.measurement.process_usage import Usage
from bench.paths.path_definition import Contender, Figure, Goal, Measurement, Path, Scale


@asynccontextmanager
async def opened(scale: Scale) -> AsyncIterator[list[str]]:
    """Yield a list, to which the contenders append their names when they are measured."""
    yield []


def contender(name: str, rate: float, wait: float = 10.0) -> Contender:
    """Return a contender with a fixed rate and wait."""

    def run(setup: list[str]) -> Measurement:
        setup.append(name)
        ran.append(name)
        return Measurement({"rate": rate, "wait": wait}, 2_000, (Usage("worker", 4.0, 100.0),))

    return Contender(name, run)


ran: list[str] = []
"""The names of the contenders in the order of their runs. A test must empty this list first."""


def path(*rivals: Contender, goals: tuple[Goal, ...] = ()) -> Path:
    """Return a path with these rivals. The product's contender has 100 events/s and a wait of 10 ms."""
    figures = {"rate": Figure("events/s"), "wait": Figure("ms", more_is_better=False)}
    return Path("road", "A road.", figures, contender("ours", 100.0), rivals, goals, opened)

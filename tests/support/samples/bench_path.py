"""A small path whose contenders return fixed measurements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.measurement.process_usage import Usage
from bench.paths.path_definition import Contender, Figure, Goal, Measurement, Path, Scale


@asynccontextmanager
async def opened(scale: Scale) -> AsyncIterator[list[str]]:
    """An empty setup, to which contenders append their names."""
    yield []


def contender(name: str, rate: float, wait: float = 10.0) -> Contender:
    """A contender with a fixed rate and wait."""

    def run(setup: list[str]) -> Measurement:
        setup.append(name)
        ran.append(name)
        return Measurement({"rate": rate, "wait": wait}, 2_000, (Usage("worker", 4.0, 100.0),))

    return Contender(name, run)


ran: list[str] = []
"""The names of the contenders in the order of their runs; a test must empty it first."""


def path(*rivals: Contender, goals: tuple[Goal, ...] = ()) -> Path:
    """A path with these rivals; ours has 100 events/s and a wait of 10 ms."""
    figures = {"rate": Figure("events/s"), "wait": Figure("ms", more_is_better=False)}
    return Path("road", "A road.", figures, contender("ours", 100.0), rivals, goals, opened)

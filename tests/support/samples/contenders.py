"""A small path and what was measured of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.measurement.process_usage import Usage
from bench.paths.model import Contender, Figure, Goal, Measured, Path, Scale


@asynccontextmanager
async def opened(scale: Scale) -> AsyncIterator[list[str]]:
    """A world that remembers who ran."""
    yield []


def contender(name: str, rate: float, wait: float = 10.0) -> Contender:
    """One that is always as fast."""

    def run(world: list[str]) -> Measured:
        world.append(name)
        ran.append(name)
        return Measured({"rate": rate, "wait": wait}, 2_000, (Usage("worker", 4.0, 100.0),))

    return Contender(name, run)


ran: list[str] = []
"""Who ran, over all worlds of a test that empties it."""


def path(*rivals: Contender, goals: tuple[Goal, ...] = ()) -> Path:
    """Ours at 100 a second and a wait of 10 ms, beside these."""
    figures = {"rate": Figure("events/s"), "wait": Figure("ms", more_is_better=False)}
    return Path("road", "A road.", figures, contender("ours", 100.0), rivals, goals, opened)

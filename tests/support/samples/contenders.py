"""A small bench path with contenders of fixed speed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.contenders import Contender, Figure, Goal, Measured, Path, Scale
from bench.usage import Usage


@asynccontextmanager
async def opened(scale: Scale) -> AsyncIterator[list[str]]:
    """Open a fixture that records the contenders that ran."""
    yield []


def contender(name: str, rate: float, wait: float = 10.0) -> Contender:
    """Return a contender with constant figures."""

    def run(names: list[str]) -> Measured:
        names.append(name)
        ran.append(name)
        return Measured({"rate": rate, "wait": wait}, 2_000, (Usage("worker", 4.0, 100.0),))

    return Contender(name, run)


ran: list[str] = []
"""Who ran, over all namess of a test that empties it."""


def path(*rivals: Contender, goals: tuple[Goal, ...] = ()) -> Path:
    """Return a path whose own contender has a rate of 100/s and a wait of 10 ms, with these rivals."""
    figures = {"rate": Figure("events/s"), "wait": Figure("ms", more_is_better=False)}
    return Path("road", "A road.", figures, contender("ours", 100.0), rivals, goals, opened)

"""Measures a path: runs its contenders in alternating order and stores each result as soon as it exists."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

from bench.paths.path_definition import Contender, Measurement, Path, Scale, SkippedError
from bench.report.results import PathRun

Echo = Callable[[str], None]


async def measure(path_run: PathRun, scale: Scale, pairs: int, echo: Echo) -> None:
    """Add `pairs` rounds to `path_run`; after a cancellation `path_run` has the measurements so far."""
    path = path_run.path
    echo(f"{path.name}: starting servers and creating data")
    try:
        async with path.open(scale) as setup:
            for number in range(pairs):
                await _run_round(path_run, setup, number, f"{number + 1}/{pairs}", echo)
    except SkippedError as reason:
        path_run.skipped[path.name] = str(reason)
        echo(f"  skipped: {reason}")


def running_order(path: Path, number: int) -> list[Contender]:
    """Return a round's contenders in order, reversed every second round so that speed drift favours none."""
    order = [path.ours, *path.rivals]
    return order[::-1] if number % 2 else order


async def _run_round(path_run: PathRun, setup: Any, number: int, progress: str, echo: Echo) -> None:
    path_run.rounds.append({})
    for contender in running_order(path_run.path, number):
        echo(f"{path_run.path.name} {progress}: {contender.name} …")
        await _measure_contender(path_run, contender, setup, echo)


async def _measure_contender(path_run: PathRun, contender: Contender, setup: Any, echo: Echo) -> None:
    began_at = time.monotonic()
    try:
        result = contender.run(setup)
        measurement: Measurement = await result if inspect.isawaitable(result) else result
    except SkippedError as reason:
        path_run.skipped[contender.name] = str(reason)
        echo(f"  skipped: {reason}")
        return
    except Exception as error:
        # The other contenders still run and keep their figures; the run as a whole ends with an error.
        path_run.failures.append(f"{path_run.path.name}, {contender.name}: {type(error).__name__}: {error}")
        echo(f"  FAILED: {path_run.failures[-1]}")
        return
    path_run.rounds[-1][contender.name] = measurement
    figures = ", ".join(
        f"{name} {value:,.4g} {path_run.path.figures[name].unit}"
        for name, value in measurement.figures.items()
    )
    echo(f"  {figures}; took {time.monotonic() - began_at:.0f} s")

"""Measures a path: its contenders take turns, and what each gave is kept as soon as it is known."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

from bench.paths.model import Contender, Measured, Path, Scale, SkippedError
from bench.report.results import Ledger

Tell = Callable[[str], None]


async def measure(ledger: Ledger, scale: Scale, pairs: int, tell: Tell) -> None:
    """Fill the ledger with so many rounds; cancelled at any moment, the ledger has what was measured."""
    path = ledger.path
    tell(f"{path.name}: starting servers, making the data")
    try:
        async with path.open(scale) as world:
            for turn in range(pairs):
                await _run_round(ledger, world, turn, f"{turn + 1}/{pairs}", tell)
    except SkippedError as reason:
        ledger.skipped[path.name] = str(reason)
        tell(f"  skipped: {reason}")


def turns(path: Path, turn: int) -> list[Contender]:
    """Who runs when in a round: every second round backwards, so that a drift favours nobody."""
    order = [path.ours, *path.rivals]
    return order[::-1] if turn % 2 else order


async def _run_round(ledger: Ledger, world: Any, turn: int, progress: str, tell: Tell) -> None:
    ledger.rounds.append({})
    for contender in turns(ledger.path, turn):
        tell(f"{ledger.path.name} {progress}: {contender.name} …")
        await _take_turn(ledger, contender, world, tell)


async def _take_turn(ledger: Ledger, contender: Contender, world: Any, tell: Tell) -> None:
    began_at = time.monotonic()
    try:
        given = contender.run(world)
        measured: Measured = await given if inspect.isawaitable(given) else given
    except SkippedError as reason:
        ledger.skipped[contender.name] = str(reason)
        tell(f"  skipped: {reason}")
        return
    except Exception as error:
        # One that fails must not cost the others' figures; the run as a whole ends as failed.
        ledger.failures.append(f"{ledger.path.name}, {contender.name}: {type(error).__name__}: {error}")
        tell(f"  FAILED: {ledger.failures[-1]}")
        return
    ledger.rounds[-1][contender.name] = measured
    figures = ", ".join(
        f"{name} {value:,.4g} {ledger.path.figures[name].unit}" for name, value in measured.figures.items()
    )
    tell(f"  {figures}; took {time.monotonic() - began_at:.0f} s")

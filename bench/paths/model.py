"""What a path is: contenders that do the same work in one world, the figures they give, the goals set."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bench.measurement.process_usage import Usage


class Scale(Enum):
    """How much work a run does."""

    FULL = "full"
    QUICK = "quick"
    SMOKE = "smoke"
    """As little as shows that every contender runs and gives the same counts."""


@dataclass(frozen=True)
class Figure:
    """A quantity that each contender of a path gives."""

    unit: str
    more_is_better: bool = True


@dataclass(frozen=True)
class Measured:
    """What one run of one contender gave: its figures by name, and what its processes used for the work."""

    figures: Mapping[str, float]
    events: int = 0
    """How many events the usages are for; 0 where they say nothing per event."""
    usages: tuple[Usage, ...] = ()


class WrongCountsError(RuntimeError):
    """A contender's counts are not the truth: its time says nothing."""


class SkippedError(RuntimeError):
    """This machine lacks what a contender, or a whole path, needs; the message says what to install."""


@dataclass(frozen=True)
class Contender:
    """One who takes part. `run` gets what the path's `open` yields, plain or async, and does one measurement.

    It raises where the work was not done right (WrongCounts where counts differ from the truth), or Skipped.
    """

    name: str
    run: Callable[[Any], Measured | Awaitable[Measured]]


@dataclass(frozen=True)
class Goal:
    """A ratio to reach in one figure: ours to a rival's, above 1 where ours is better.

    `half of the time` is therefore at least 2. Without `at_least` the ratio is shown and nothing is asked.
    With `limit`, `rival` is what the limit is called, and the ratio is to that fixed value.
    """

    figure: str
    rival: str
    at_least: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Path:
    """One way through the system, measured: a module of this package has it under the name PATH."""

    name: str
    about: str
    """One sentence for the page: the work, and from when to when it is timed."""
    figures: Mapping[str, Figure]
    ours: Contender
    rivals: tuple[Contender, ...]
    goals: tuple[Goal, ...]
    open: Callable[[Scale], AbstractAsyncContextManager[Any]]
    """Starts servers and makes the data once, for all pairs; its end removes them."""
    pairs: int = 5
    pairs_quick: int = 2

    def label(self, goal: Goal) -> str:
        """How a goal's rival is called in results: with the figure where the path has several."""
        return goal.rival if len(self.figures) == 1 else f"{goal.rival}: {goal.figure}"

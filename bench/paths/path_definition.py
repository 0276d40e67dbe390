"""The definition of a path: contenders that do the same work, the figures they give, and goals."""

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
    """Only enough work to show that every contender runs and gives the same counts."""


@dataclass(frozen=True)
class Figure:
    """A quantity that is measured for each contender of a path."""

    unit: str
    more_is_better: bool = True


@dataclass(frozen=True)
class Measurement:
    """The result of one run of a contender: figures by name, and the resources that its processes used."""

    figures: Mapping[str, float]
    events: int = 0
    """The number of events that were processed with `usages`; 0 if a usage per event has no meaning."""
    usages: tuple[Usage, ...] = ()


class WrongCountsError(RuntimeError):
    """A contender's counts are wrong, so its figures must not be used."""


class SkippedError(RuntimeError):
    """This machine lacks a program that a contender or a whole path needs; the message says which."""


@dataclass(frozen=True)
class Contender:
    """Our system or a rival. `run` takes the value that the path's `open` yields and measures once.

    `run` may be async.

    `run` raises WrongCountsError if its counts are wrong, SkippedError if a program is missing, and any other
    exception if the work failed.
    """

    name: str
    run: Callable[[Any], Measurement | Awaitable[Measurement]]


@dataclass(frozen=True)
class Goal:
    """By what factor a figure of ours should be better than a rival's.

    For a rate the factor is ours divided by the rival's, for a time the rival's divided by ours: half of the
    rival's time is `at_least=2`. If `at_least` is None, the ratio is reported without
    a goal. If `limit` is given, it replaces the rival's figure, and `rival` is the label of the limit.
    """

    figure: str
    rival: str
    at_least: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Path:
    """One measured path through the system; each module of this package exports one as PATH."""

    name: str
    about: str
    """A sentence for docs/performance.md: the work, and when the clock starts and stops."""
    figures: Mapping[str, Figure]
    ours: Contender
    rivals: tuple[Contender, ...]
    goals: tuple[Goal, ...]
    open: Callable[[Scale], AbstractAsyncContextManager[Any]]
    """Starts the servers and creates the data, once for all pairs; stops and deletes them on exit."""
    pairs: int = 5
    pairs_quick: int = 2

    def label(self, goal: Goal) -> str:
        """Return the label of a goal's rival, with the figure's name if the path has several figures."""
        return goal.rival if len(self.figures) == 1 else f"{goal.rival}: {goal.figure}"

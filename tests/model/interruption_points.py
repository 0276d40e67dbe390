"""Drives a process of the model from one point to the next: there it may sleep, meet a failure, or die.

A point stands before and after every effect on anything outside the process. What the process does between
two points happens at once; what it awaits must be a point. Most processes are driven by hand, which costs a
microsecond a point; those whose product code asks for a running event loop live on one.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Protocol

from tests.model.stepping_loop import SteppingLoop

Here = Callable[[], Awaitable[None]]
"""Awaited at each point."""

POINTS_MAX = 40
"""More points than any round of work has: a process that needs more waits for something in vain."""


class CutError(ConnectionError):
    """What was asked for at this point failed, or its answer got lost."""


class Driver(Protocol):
    """How a process's round of work is driven."""

    busy: bool
    """Whether a round is under way."""

    async def here(self) -> None:
        """A point."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin a round, and go to its first point."""

    def go(self) -> None:
        """Go to the next point, or to the end."""

    def fail(self) -> None:
        """Let this point raise `CutError`."""

    def kill(self) -> None:
        """End here: nothing that follows in the process happens."""


@types.coroutine
def _stop() -> Generator[None, None, None]:
    yield


class ByHand:
    """Sends a coroutine along; its points are bare yields."""

    def __init__(self) -> None:
        self.busy = False
        self._work: Coroutine[Any, Any, None] | None = None

    async def here(self) -> None:
        await _stop()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = work
        self.busy = True
        self.go()

    def go(self) -> None:
        assert self._work is not None, "no round under way"
        try:
            self._work.send(None)
        except StopIteration:
            self.busy = False

    def fail(self) -> None:
        assert self._work is not None, "no round under way"
        try:
            self._work.throw(CutError("cut off"))
        except StopIteration:
            self.busy = False

    def kill(self) -> None:
        if self._work is not None:
            self._work.close()
        self.busy = False


class OnLoop:
    """A task on a stepping loop; its points are futures."""

    def __init__(self, loop: SteppingLoop) -> None:
        self.busy = False
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._point: asyncio.Future[None] | None = None

    async def here(self) -> None:
        self._point = self._loop.create_future()
        await self._point

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = self._loop.create_task(work)
        self.busy = True
        self._run_on()

    def go(self) -> None:
        assert self._point is not None, "no point to leave"
        self._point.set_result(None)
        self._run_on()

    def fail(self) -> None:
        assert self._point is not None, "no point to leave"
        self._point.set_exception(CutError("cut off"))
        self._run_on()

    def kill(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self._loop.run_ready()
            assert self._task.cancelled(), "a killed process did something more"
        self.busy = False

    def _run_on(self) -> None:
        assert self._task is not None, "no round under way"
        self._loop.run_ready()
        if self._task.done():
            self.busy = False
            self._task.result()


class Process:
    """One process: rounds of work, one after another, and what it knows between them.

    `work` is a round; `begin_anew` forgets what a process forgets when it dies. Effects on Kafka that are
    under way are in `on_its_way`: a request may arrive long after the one who sent it failed or died.
    """

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.on_its_way: Callable[[], None] | None = None

    def work(self, what: int) -> Coroutine[Any, Any, None]:
        """One round; `what` chooses where there is a choice. Raises nothing."""
        raise NotImplementedError

    def begin_anew(self) -> None:
        """Forget what lies in memory alone."""

    def renew(self) -> None:
        """Take or keep the lease, where it has one."""

    def go(self, what: int, points: int = 1) -> None:
        """Go on for so many points, or to the end; a new round begins where none is under way."""
        for _ in range(points):
            if self.driver.busy:
                self.driver.go()
            else:
                self.driver.start(self.work(what))
            if not self.driver.busy:
                return

    def run(self, what: int) -> None:
        """Finish the round under way, or make a whole one."""
        self.go(what, POINTS_MAX)

    def fail(self) -> None:
        """Let what is asked for at this point fail."""
        if self.driver.busy:
            self.driver.fail()

    def kill(self) -> None:
        """Die here, and start again with nothing but what is stored."""
        self.driver.kill()
        self.on_its_way = None
        self.begin_anew()

"""Drives a process of the model from one interruption point to the next.

At an interruption point the process may pause, fail or die. There is one before and one after every effect
outside the process. Between two points the process runs without interruption; it awaits nothing but points.
Most processes are driven as plain coroutines, which costs a microsecond per point. Processes whose product
code needs an event loop run on a stepping loop.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Protocol

from tests.model.stepping_loop import SteppingLoop

InterruptionPoint = Callable[[], Awaitable[None]]
"""The function that a process awaits at each interruption point."""

POINTS_MAX = 40
"""More points than any round of work has. A process that reaches this number waits for what never happens."""


class InjectedFailureError(ConnectionError):
    """The effect after this interruption point failed, or the response to the effect before it was lost."""


class Driver(Protocol):
    """Drives one round of work of a process."""

    busy: bool
    """Whether a round is in progress."""

    async def interruption_point(self) -> None:
        """Wait at an interruption point until the driver continues."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a round and run to its first point."""

    def advance(self) -> None:
        """Run to the next point, or to the end of the round."""

    def fail(self) -> None:
        """Raise `InjectedFailureError` at this point."""

    def kill(self) -> None:
        """End the process at this point, so that nothing after the point happens."""


@types.coroutine
def _stop() -> Generator[None, None, None]:
    yield


class CoroutineDriver:
    """Drives a plain coroutine, whose interruption points are yields without a value."""

    def __init__(self) -> None:
        self.busy = False
        self._work: Coroutine[Any, Any, None] | None = None

    async def interruption_point(self) -> None:
        await _stop()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = work
        self.busy = True
        self.advance()

    def advance(self) -> None:
        assert self._work is not None, "no round in progress"
        try:
            self._work.send(None)
        except StopIteration:
            self.busy = False

    def fail(self) -> None:
        assert self._work is not None, "no round in progress"
        try:
            self._work.throw(InjectedFailureError("injected failure"))
        except StopIteration:
            self.busy = False

    def kill(self) -> None:
        if self._work is not None:
            self._work.close()
        self.busy = False


class LoopDriver:
    """Drives a task on a stepping loop, whose interruption points are futures."""

    def __init__(self, loop: SteppingLoop) -> None:
        self.busy = False
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._point: asyncio.Future[None] | None = None

    async def interruption_point(self) -> None:
        self._point = self._loop.create_future()
        await self._point

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = self._loop.create_task(work)
        self.busy = True
        self._run_ready()

    def advance(self) -> None:
        assert self._point is not None, "not at a point"
        self._point.set_result(None)
        self._run_ready()

    def fail(self) -> None:
        assert self._point is not None, "not at a point"
        self._point.set_exception(InjectedFailureError("injected failure"))
        self._run_ready()

    def kill(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self._loop.run_ready()
            assert self._task.cancelled(), "a killed process continued to run"
        self.busy = False

    def _run_ready(self) -> None:
        assert self._task is not None, "no round in progress"
        self._loop.run_ready()
        if self._task.done():
            self.busy = False
            self._task.result()


class Process:
    """A process, which does rounds of work one after another and keeps its memory between the rounds.

    `work` is one round. `reset` clears the memory when the process dies. `pending_request` is a request to
    Kafka that is under way; it may arrive long after the process has failed or died.
    """

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.pending_request: Callable[[], None] | None = None

    def work(self, choice: int) -> Coroutine[Any, Any, None]:
        """Do one round of work, without raising. `choice` is a random number that selects a variant."""
        raise NotImplementedError

    def reset(self) -> None:
        """Clear the state that the process has only in memory."""

    def renew(self) -> None:
        """Take or renew the lease, if the process has one."""

    def advance(self, choice: int, points: int = 1) -> None:
        """Advance by `points`, or to the end of the round; start a round if none is in progress."""
        for _ in range(points):
            if self.driver.busy:
                self.driver.advance()
            else:
                self.driver.start(self.work(choice))
            if not self.driver.busy:
                return

    def run(self, choice: int) -> None:
        """Finish the round in progress; if there is none, run a complete round."""
        self.advance(choice, POINTS_MAX)

    def fail(self) -> None:
        """Make the effect at this point fail."""
        if self.driver.busy:
            self.driver.fail()

    def kill(self) -> None:
        """Die at this point, and restart without what was only in memory."""
        self.driver.kill()
        self.pending_request = None
        self.reset()

"""An event loop without sockets and timers, which runs the ready callbacks and then returns to its caller.

Its tasks wait only for interruption points. One call takes a few microseconds, as no sockets are polled.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _Never(asyncio.TimerHandle):
    """A scheduled call that is never executed."""

    def cancel(self) -> None:
        """Do nothing, because nothing is scheduled."""


class SteppingLoop(asyncio.AbstractEventLoop):
    """The part of an event loop that futures, tasks, `asyncio.wait` and `asyncio.timeout` need."""

    def __init__(self) -> None:
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...], Context | None]] = deque()
        self._never = _Never(0.0, lambda: None, (), self)

    def run_ready(self) -> None:
        """Run callbacks until none is ready."""
        asyncio._set_running_loop(self)
        try:
            while self._ready:
                callback, arguments, context = self._ready.popleft()
                if context is None:
                    callback(*arguments)
                else:
                    context.run(callback, *arguments)
        finally:
            asyncio._set_running_loop(None)

    def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine that never waits, and return its result."""
        task = self.create_task(work)
        self.run_ready()
        result: T = task.result()
        return result

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **_: Any) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=self)

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self._ready.append((callback, args, context))
        return self._never

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self._never

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self._never

    def time(self) -> float:
        return 0.0

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        raise AssertionError(context["message"])


def stepping_loop() -> SteppingLoop:
    """Return a new stepping loop."""
    return SteppingLoop()  # type: ignore[abstract]  # the model uses no sockets, signals or threads

"""Runs a process's main coroutine until it ends or a signal asks it to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import uvloop


class StopSignal:
    """Tells whether the process was asked to stop; sleeping on it ends early when it is."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Ask for the stop."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether the stop was asked for."""
        return self._event.is_set()

    async def wait(self, seconds: float | None = None) -> bool:
        """Sleep for so many seconds, or until the stop; True where it came."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return False
        return True


def run(main: Callable[[StopSignal], Awaitable[None]]) -> None:
    """Run `main` on uvloop; SIGTERM and SIGINT set its `StopSignal`, a second one ends it at once."""
    uvloop.run(_with_signals(main))


async def _with_signals(main: Callable[[StopSignal], Awaitable[None]]) -> None:
    stopping = StopSignal()
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(main(stopping))

    def asked(number: signal.Signals) -> None:
        if stopping.is_set():
            task.cancel()
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)
    try:
        await task
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise

"""Runs the main coroutine of a process, and passes SIGTERM and SIGINT to it as a stop signal."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import uvloop

from settings.configuration_error import exit_on_configuration_error


class StopSignal:
    """Knows whether the process was asked to stop; `wait` sleeps, but returns early at the stop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._announced = False

    def announce(self) -> None:
        """Announce the stop: the process still works, but reports not ready, so that it gets no new work."""
        self._announced = True

    def is_announced(self) -> bool:
        """Return whether the stop was announced or requested."""
        return self._announced or self.is_set()

    def set(self) -> None:
        """Ask the process to stop."""
        self._event.set()

    def is_set(self) -> bool:
        """Return whether the process was asked to stop."""
        return self._event.is_set()

    async def wait(self, seconds: float | None = None) -> bool:
        """Sleep for `seconds` or until the stop; return True if the process was asked to stop.

        If `seconds` is None, sleep until the stop.
        """
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return False
        return True


def run(main: Callable[[StopSignal], Awaitable[None]], announced_s: float = 0.0) -> None:
    """Run `main` on uvloop.

    The first SIGTERM or SIGINT announces the stop to the `StopSignal` that is passed to `main`, and sets it
    after `announced_s` seconds. A second signal sets it at once, or cancels `main` if it is set.

    If `main` raises ConfigurationError, the process prints its message and exits with code 1.
    """
    with exit_on_configuration_error():
        uvloop.run(_with_signals(main, announced_s))


async def _with_signals(main: Callable[[StopSignal], Awaitable[None]], announced_s: float) -> None:
    stopping = StopSignal()
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(main(stopping))

    def on_signal() -> None:
        if stopping.is_set():
            task.cancel()
        elif stopping.is_announced() or not announced_s:
            stopping.set()
        else:
            stopping.announce()
            loop.call_later(announced_s, stopping.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    try:
        await task
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise

"""Cancels a coroutine when the process is asked to stop, for example one that opens a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from lifecycle.stop_signal import StopSignal

T = TypeVar("T")


async def cancel_on_stop(work: Coroutine[Any, Any, None], stopping: StopSignal) -> None:
    """Run `work` until it ends or, if the stop comes first, cancel it. Raises the exception of `work`."""
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error


async def run_with(
    opening: Coroutine[Any, Any, T],
    work: Callable[[T], Coroutine[Any, Any, None]],
    stopping: StopSignal,
) -> None:
    """Await `opening`, then run `work` with its result. If the stop comes first, only cancel `opening`."""
    opened: list[T] = []

    async def keep_result() -> None:
        opened.append(await opening)

    await cancel_on_stop(keep_result(), stopping)
    if opened:
        await work(opened[0])

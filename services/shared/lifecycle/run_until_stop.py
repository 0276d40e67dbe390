"""Runs coroutines of one process so that they end when the process is asked to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from lifecycle.stop_signal import StopSignal


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


async def stop_together(stopping: StopSignal, *loops: Coroutine[Any, Any, None]) -> None:
    """Run all `loops`, each of which ends at the stop. If a loop ends or fails earlier, request the stop.

    Wait for all loops. If several loops failed, raise the exception of the one that comes first in `loops`.
    """
    tasks = [asyncio.ensure_future(loop) for loop in loops]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result

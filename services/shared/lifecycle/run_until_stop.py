"""Cancels a coroutine when the process is asked to stop."""

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

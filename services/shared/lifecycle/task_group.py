"""Runs the coroutines of a process as one group, which ends at the stop or when one of them ends or fails."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from lifecycle.stop_signal import StopSignal

GRACE_S: Final = 7.0
"""How long tasks may run on after a stop; slightly longer than `lifecycle.http_server.serve` waits."""

Work = Coroutine[Any, Any, object]


async def run_group(
    stopping: StopSignal,
    *critical: Work,
    server: Work | None = None,
    drain: Work | None = None,
    grace_s: float = GRACE_S,
) -> None:
    """Run all coroutines until one of them ends, which ends the group.

    The first end requests the stop, if the process was not asked to stop before. The group then waits up to
    `grace_s` until `server` ends by itself, so that open requests finish. After that it waits until `drain`
    ends by itself. `drain` completes work that the server accepted, and must limit its own time. At last the
    group cancels the `critical` coroutines that still run.

    Raises the exception of the coroutine that ended first, or else the first exception of a coroutine that
    ended before the cancellation.
    """
    tasks = [asyncio.ensure_future(work) for work in critical]
    serving = [asyncio.ensure_future(server)] if server is not None else []
    draining = [asyncio.ensure_future(drain)] if drain is not None else []
    tasks += serving + draining
    ended: list[asyncio.Future[object]] = []
    for task in tasks:
        task.add_done_callback(ended.append)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        stopping.set()
        if serving:
            await asyncio.wait(serving, timeout=grace_s)
        if draining:
            await asyncio.wait(draining)
        for end in ended:
            end.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

"""Runs coroutines as a group, which ends as soon as one coroutine ends or fails.

There are two functions, which differ in how the other coroutines end:

* `run_group` cancels all other coroutines at once. Use it if every coroutine may be cancelled at any point.
  An HTTP server in the group is also cancelled at once, so requests that are open at that moment get no
  response.
* `run_group_with_server` first waits up to GRACE_S until the HTTP server ends by itself, so that open
  requests can finish. Then it cancels all coroutines that still run. Use it if a coroutine of the group may
  end at the stop before the server ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, Final

GRACE_S: Final = 7.0
"""Slightly longer than the grace period of `lifecycle.http_server.serve`."""


async def run_group(*actions: Coroutine[Any, Any, object]) -> None:
    """Run all coroutines until one returns or raises, then cancel the other coroutines and wait for them.

    Raises the exception of the coroutine that ended first.
    """
    tasks = [asyncio.ensure_future(action) for action in actions]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run_group_with_server(*actions: Awaitable[None], server: Awaitable[None]) -> None:
    """Run all coroutines until one returns or raises.

    If the first coroutine that ends has returned, wait up to GRACE_S for the server, then cancel all
    coroutines that still run. If it has raised, cancel them without waiting for the server, and raise its
    exception.
    """
    serving = asyncio.ensure_future(server)
    tasks = [serving, *(asyncio.ensure_future(action) for action in actions)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        await asyncio.wait([serving], timeout=GRACE_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

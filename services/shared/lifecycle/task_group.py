"""Runs coroutines as a group: when one of them ends or fails, the whole group ends.

There are two groups, which differ in how the others end:

* `run_group` cancels all others at once. Use it if every coroutine may be cancelled at any point. An HTTP
  server in the group is cancelled like the others: requests that are open when another coroutine ends get
  no response.
* `run_group_with_server` first gives the HTTP server up to GRACE_S to end by itself, so that open requests
  finish, and then cancels all others. Use it if a coroutine of the group ends at the stop before the server
  does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, Final

GRACE_S: Final = 7.0
"""Slightly longer than the grace period of `lifecycle.http_server.serve`."""


async def run_group(*actions: Coroutine[Any, Any, object]) -> None:
    """Run all coroutines until one returns or raises, then cancel the others at once and wait for them.

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
    """Run all until one returns or raises; then wait up to GRACE_S for the server, and cancel the others.

    Raises the exception of the one that ended first, without waiting for the server.
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

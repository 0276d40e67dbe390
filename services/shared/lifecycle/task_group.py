"""What belongs together in one process: the first that ends or fails ends the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, Final


async def run_together(*actions: Coroutine[Any, Any, object]) -> None:
    """Run all until one returns or raises; the others are cancelled and waited for, and its failure is
    raised.
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


GRACE_S: Final = 7.0
"""A little longer than the server lets open requests finish."""


async def until_first(*actions: Awaitable[None], server: Awaitable[None]) -> None:
    """Run all until one ends or raises; a stop lets the server end by itself, the others are cancelled.

    Raises what the first raised.
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

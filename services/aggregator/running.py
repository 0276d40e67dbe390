"""Runs the parts of a process together: the first that ends, ends all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


async def until_first(*actions: Awaitable[None]) -> None:
    """Run all until one ends or raises; the others are cancelled. Raises what the first raised."""
    tasks = [asyncio.ensure_future(action) for action in actions]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

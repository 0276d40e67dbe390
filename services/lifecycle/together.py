"""What belongs together in one process: the first that ends or fails ends the others."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def together(*actions: Coroutine[Any, Any, object]) -> None:
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

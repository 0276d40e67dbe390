"""Work that goes on beside a block and ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

CANCEL_AGAIN_S = 1.0


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run it until the block ends; it is then cancelled and waited for. Raises what ended it before."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        # Again where it was lost: a client's own time-out in the same moment takes its place.
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_AGAIN_S)
        with suppress(asyncio.CancelledError):
            task.result()

"""A task that runs while a block is executed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

CANCEL_RETRY_S = 1.0


@asynccontextmanager
async def background_task(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` until the block ends, then cancel it. If `work` failed before, its exception is raised."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        # Cancel repeatedly, because a client's own timeout at the same moment can swallow the cancellation.
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_RETRY_S)
        with suppress(asyncio.CancelledError):
            task.result()

"""Finds out what became of requests that were never answered: each is sent again with its own key."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from simulator.load.expected_state import account
from simulator.load.ledger import Intent, Ledger, Line, Run, read
from simulator.load.request_sender import Sender
from simulator.load.requests import request

AT_ONCE_MAX: Final = 32


async def settle(path: Path, sender_of: Callable[[str], Sender]) -> int:
    """Ask again about every unsettled intent of a ledger and note the answers in it; how many there were."""
    lines: list[Line] = list(read(path))
    unsettled = account(lines).unsettled
    run = next((line for line in lines if isinstance(line, Run)), None)
    if not unsettled or run is None:
        return 0
    ledger, slots = Ledger(path), asyncio.Semaphore(AT_ONCE_MAX)
    flushing = asyncio.ensure_future(ledger.flushing())

    async def again(intent: Intent) -> None:
        async with slots:
            answer = await sender_of(intent.kind).send(intent, request(intent, run))
        await ledger.put(answer)

    try:
        await asyncio.gather(*(again(intent) for intent in unsettled))
    finally:
        flushing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await flushing
        ledger.close()
    return len(unsettled)

"""Resolves the intents with an unknown outcome by sending each again with its idempotency key."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from simulator.load.expected_state import expected_state
from simulator.load.http_requests import request
from simulator.load.ledger import Intent, Ledger, Line, Run, read
from simulator.load.request_sender import RequestSender

AT_ONCE_MAX: Final = 32


async def reconcile(path: Path, sender_of: Callable[[str], RequestSender]) -> int:
    """Send all unsettled intents of a ledger again and append their answers; return the number of intents."""
    lines: list[Line] = list(read(path))
    unsettled = expected_state(lines).unsettled
    run = next((line for line in lines if isinstance(line, Run)), None)
    if not unsettled or run is None:
        return 0
    ledger, slots = Ledger(path), asyncio.Semaphore(AT_ONCE_MAX)
    flushing = asyncio.ensure_future(ledger.flush_forever())

    async def resend(intent: Intent) -> None:
        async with slots:
            answer = await sender_of(intent.kind).send(intent, request(intent, run))
        await ledger.put(answer)

    try:
        await asyncio.gather(*(resend(intent) for intent in unsettled))
    finally:
        flushing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await flushing
        ledger.close()
    return len(unsettled)

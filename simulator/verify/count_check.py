"""Checks after a run that the register and the board have exactly the state that the ledger implies."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from simulator.clients.board_client import BoardClient
from simulator.clients.campaign_and_import_client import RegisterClient
from simulator.load.crowd import KnownParticipant
from simulator.load.expected_state import ExpectedState

T = TypeVar("T")
READERS: Final = 16
Counts = Counter[tuple[str, str]]


async def until_settled(poll: Callable[[], Awaitable[T]], good: Callable[[T], bool], wait_s: float) -> T:
    """Call `poll` until `good` accepts its result or `wait_s` seconds are over; return the last result."""
    deadline = time.monotonic() + wait_s
    while True:
        latest = await poll()
        if good(latest) or time.monotonic() > deadline:
            return latest
        await asyncio.sleep(0.25)


async def register_errors(register: RegisterClient, expected: ExpectedState) -> list[str]:
    """Describe the participants whose state in the register differs from the expected state."""
    slots = asyncio.Semaphore(READERS)

    async def check(known: KnownParticipant) -> str | None:
        async with slots:
            held = await register.participant(known.participant)
        return _difference(known, held)

    found = await asyncio.gather(*(check(known) for known in expected.known.values()))
    return [error for error in found if error is not None]


def _difference(known: KnownParticipant, held: Mapping[str, Any] | None) -> str | None:
    if held is None:
        return f"lost: participant {known.participant} is not in the register"
    wanted = {
        "region": known.region,
        "revision": known.revision,
        "standing": known.standing,
        "steps": sorted(known.steps),
    }
    wrong = [name for name, value in wanted.items() if held.get(name) != value]
    return f"changed: participant {known.participant} differs in {', '.join(wrong)}" if wrong else None


async def count_errors(
    board: BoardClient, scope: str, before: Counts, grown: Counts, wait_s: float
) -> list[str]:
    """Describe the tallies of a scope that do not become `before` plus `grown` within `wait_s` seconds."""
    wanted = Counter(before)
    wanted.update(grown)

    def differing(counts: Counts) -> list[tuple[str, str]]:
        return [cell for cell in sorted(wanted.keys() | counts.keys()) if counts[cell] != wanted[cell]]

    counts = await until_settled(lambda: board.kelurahan(scope), lambda now: not differing(now), wait_s)
    return [
        f"miscounted: {scope} {' '.join(cell)} is {counts[cell]}, must be {wanted[cell]}"
        for cell in differing(counts)
    ]

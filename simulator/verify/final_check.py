"""Proves after a night that nothing was lost, doubled or miscounted: ledger, register and board."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from simulator.clients.board_client import Board
from simulator.clients.register_client import Register
from simulator.load.expected_state import Account
from simulator.load.scenario import Known

T = TypeVar("T")
READERS: Final = 16
FAULTS_SHOWN_MAX: Final = 20
Counts = Counter[tuple[str, str]]


async def until_settled(look: Callable[[], Awaitable[T]], good: Callable[[T], bool], wait_s: float) -> T:
    """Look again and again until it is good or the time is over; what was seen last."""
    deadline = time.monotonic() + wait_s
    while True:
        seen = await look()
        if good(seen) or time.monotonic() > deadline:
            return seen
        await asyncio.sleep(0.25)


async def register_faults(register: Register, account: Account) -> list[str]:
    """Participants that the register does not hold as the answers of the night imply."""
    slots = asyncio.Semaphore(READERS)

    async def fault(known: Known) -> str | None:
        async with slots:
            held = await register.participant(known.participant)
        return _difference(known, held)

    found = await asyncio.gather(*(fault(known) for known in account.known.values()))
    return [one for one in found if one is not None]


def _difference(known: Known, held: Mapping[str, Any] | None) -> str | None:
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


async def count_faults(board: Board, scope: str, before: Counts, grown: Counts, wait_s: float) -> list[str]:
    """Cells of a scope that did not grow by what the night implies, once all was counted or time is over."""
    wanted = Counter(before)
    wanted.update(grown)

    def differing(seen: Counts) -> list[tuple[str, str]]:
        return [cell for cell in sorted(wanted.keys() | seen.keys()) if seen[cell] != wanted[cell]]

    seen = await until_settled(lambda: board.kelurahan(scope), lambda now: not differing(now), wait_s)
    return [
        f"miscounted: {scope} {' '.join(cell)} is {seen[cell]}, must be {wanted[cell]}"
        for cell in differing(seen)
    ]

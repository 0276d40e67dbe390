"""Compares the register with the ledger, and the board with the register, after a run."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from simulator.clients.board_client import BoardClient, ProvinceTotal
from simulator.clients.campaign_and_import_client import RegisterClient
from simulator.load.crowd import KnownParticipant
from simulator.load.expected_state import ExpectedState
from simulator.verify.register_contents import RegisterContents

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
        "campaign": known.campaign,
        "revision": known.revision,
        "standing": known.standing,
        "steps": sorted(known.steps),
    }
    wrong = [name for name, value in wanted.items() if held.get(name) != value]
    return f"changed: participant {known.participant} differs in {', '.join(wrong)}" if wrong else None


async def count_errors(
    board: BoardClient, register: RegisterContents, campaign: str, wait_s: float
) -> list[str]:
    """Describe how the board differs from the register, unless they become equal within `wait_s` seconds.

    The province's total and each tally of the campaign are compared. Both sides are read repeatedly, because
    visitors may register at any time.
    """

    async def compare() -> list[str]:
        wanted, cells = await register.registered(), await register.tallies(campaign)
        return [
            *_total_errors(await board.total(), wanted),
            *_tally_errors(campaign, await board.kelurahan(f"campaign:{campaign}"), cells),
        ]

    return await until_settled(compare, lambda errors: not errors, wait_s)


def _total_errors(total: ProvinceTotal | None, wanted: int) -> list[str]:
    if total is None or not total.proven:
        return [f"not proven: {total}"]
    if total.registered != wanted:
        return [f"miscounted: {total.registered:,} in the province, but {wanted:,} in the register"]
    return []


def _tally_errors(campaign: str, counts: Counts, wanted: Counts) -> list[str]:
    return [
        f"miscounted: {campaign} {' '.join(cell)} is {counts[cell]}, but {wanted[cell]} in the register"
        for cell in sorted(wanted.keys() | counts.keys())
        if counts[cell] != wanted[cell]
    ]

"""Fills a register with made-up participants through its own import; a second start finds it done."""

from __future__ import annotations

import asyncio
import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from simulator.clients.register_client import Import, Register
from simulator.seed import participants

LOOK_EVERY_S: Final = 0.5
STALLED_S_MAX: Final = 180.0


class SeedingError(Exception):
    """The import did not end well; the message says how it stands."""


Told = Callable[[str, int, int], None]
"""Hears what is being done, how much of it, and out of how much."""


async def fill(register: Register, folder: Path, count: int, seed: int, told: Told) -> Import:
    """Import `count` people, unless that was done before; how the import ended. Raises SeedingError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"people-{count}-{seed}.csv"
    remembered = path.with_suffix(".import")
    if remembered.exists():
        found = await register.import_status(remembered.read_text().strip())
        if found is not None:
            return await _followed(register, found, count, told)
    if not path.exists():
        await asyncio.to_thread(_write, path, count, seed, told)
    for campaign in filter(None, participants.CAMPAIGNS):
        await register.open_campaign(campaign, campaign)
    for agency in filter(None, participants.AGENCIES):
        await register.open_agency(agency, agency)
    begun = await register.upload(path)
    remembered.write_text(begun.id)
    return await _followed(register, begun, count, told)


def _write(path: Path, count: int, seed: int, told: Told) -> None:
    partial = path.with_suffix(".part")
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(participants.HEADER)
        for done, row in enumerate(participants.rows(count, seed), 1):
            writer.writerow(row)
            if done % 5_000 == 0:
                told("making people up", done, count)
    partial.rename(path)


async def _followed(register: Register, begun: Import, count: int, told: Told) -> Import:
    now, moved_s = begun, time.monotonic()
    while now.state == "running":
        told("importing", now.accepted + now.rejected, count)
        await asyncio.sleep(LOOK_EVERY_S)
        seen = await register.import_status(now.id)
        if seen is not None and seen.last_row != now.last_row:
            moved_s = time.monotonic()
        now = seen or now
        if time.monotonic() - moved_s > STALLED_S_MAX:
            raise SeedingError(f"the import stands at row {now.last_row:,}")
    told("importing", now.accepted + now.rejected, count)
    if now.state != "done" or now.rejected:
        raise SeedingError(f"the import is {now.state}: {now.accepted:,} accepted, {now.rejected:,} rejected")
    return now

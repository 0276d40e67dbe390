"""Fills a register with synthetic participants through its import.

A second run finds that the import was done before, imports nothing, and reports so.
"""

from __future__ import annotations

import asyncio
import csv
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator.clients.campaign_and_import_client import Import, RegisterClient
from simulator.seed import rows_matching_published_totals

LOOK_EVERY_S: Final = 0.5
STALLED_S_MAX: Final = 180.0


class SeedingError(Exception):
    """The import failed or stalled; the message says how far it got."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """A finished import; `earlier` is whether an earlier run had finished it."""

    done: Import
    earlier: bool

    def __str__(self) -> str:
        """Describe what this run imported."""
        if self.earlier:
            return f"nothing; an earlier run imported {self.done.accepted:,} participants"
        rate = f" at {self.done.rows_per_s:,.0f} rows/s" if self.done.rows_per_s else ""
        return f"{self.done.accepted:,} participants{rate}"


OnProgress = Callable[[str, int, int], None]
"""Called with the name of the current step, the number of rows done, and the total."""


async def seed_register(
    register: RegisterClient, folder: Path, count: int, seed: int, on_progress: OnProgress
) -> Seeded:
    """Import `count` people, unless they were imported before, and return the finished import.

    Raises SeedingError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"people-{count}-{seed}.csv"
    id_file = path.with_suffix(".import")
    if id_file.exists():
        found = await register.import_status(id_file.read_text().strip())
        if found is not None:
            return await _finished(register, found, count, on_progress)
    if not path.exists():
        await asyncio.to_thread(_write, path, count, seed, on_progress)
    for campaign in filter(None, rows_matching_published_totals.CAMPAIGNS):
        await register.open_campaign(campaign, campaign)
    for agency in filter(None, rows_matching_published_totals.AGENCIES):
        await register.open_agency(agency, agency)
    started = await register.upload(path)
    id_file.write_text(started.id)
    return await _finished(register, started, count, on_progress)


def _write(path: Path, count: int, seed: int, on_progress: OnProgress) -> None:
    partial = path.with_suffix(".part")
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows_matching_published_totals.HEADER)
        for done, row in enumerate(rows_matching_published_totals.rows(count, seed), 1):
            writer.writerow(row)
            if done % 5_000 == 0:
                on_progress("generating people", done, count)
    partial.rename(path)


async def _finished(register: RegisterClient, first: Import, count: int, on_progress: OnProgress) -> Seeded:
    return Seeded(await _wait_for_import(register, first, count, on_progress), first.state == "done")


async def _wait_for_import(
    register: RegisterClient, started: Import, count: int, on_progress: OnProgress
) -> Import:
    current, moved_s = started, time.monotonic()
    while current.state == "running":
        on_progress("importing", current.accepted + current.rejected, count)
        await asyncio.sleep(LOOK_EVERY_S)
        latest = await register.import_status(current.id)
        if latest is not None and latest.last_row != current.last_row:
            moved_s = time.monotonic()
        current = latest or current
        if time.monotonic() - moved_s > STALLED_S_MAX:
            raise SeedingError(f"the import stalled at row {current.last_row:,}")
    on_progress("importing", current.accepted + current.rejected, count)
    if current.state != "done" or current.rejected:
        raise SeedingError(
            f"the import is {current.state}: {current.accepted:,} accepted, {current.rejected:,} rejected"
        )
    return current

"""Counts the register as of the start of the current day, 24:00 in Jakarta, for the growth of the day.

The start of a day is a vector of positions: per partition, the last event that was recorded before midnight.
An event that is counted after midnight but was accepted before it therefore belongs to the former day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import asyncpg

from database.replication import await_standby
from outbox.postgres_leases import Lease
from registration.audit.expected_tallies import count_register_at
from registration.audit.tallies import Cell
from registration.store.register_rows import QUERIES
from telemetry.logs import get

log = get()


@dataclass(frozen=True, slots=True)
class DayStart:
    """All tallies of the register at the start of a day, in one epoch of the register."""

    day: date
    epoch: int
    counts: Mapping[Cell, int]


class DayStartCounter:
    """Counts the start of the current day once, while this process holds the lease."""

    def __init__(self, pool: asyncpg.Pool[Any], lease: Lease) -> None:
        self._pool = pool
        self._lease = lease
        self.newest: DayStart | None = None
        """The start of the current day; None while this process does not lead."""

    async def count_once(self) -> bool:
        """Count the start of the current day if it is not counted yet; return whether it was counted."""
        if self._lease.term is None:
            self.newest = None
            return False
        row = await QUERIES.audit_day(self._pool)
        assert row is not None, "the first migration inserts the only row"
        day, epoch = row
        if self.newest and (self.newest.day, self.newest.epoch) == (day, epoch):
            return False
        counts = await count_register_at(self._pool, lambda connection: _positions(connection, day))
        async with self._pool.acquire() as connection:
            await await_standby(connection)
        self.newest = DayStart(day, epoch, counts)
        log.info("start of day counted", day=day.isoformat(), epoch=epoch)
        return True


async def _positions(connection: Any, day: date) -> list[int]:
    return [row[0] async for row in QUERIES.audit_day_start(connection, day=day)]

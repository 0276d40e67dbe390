"""Reads from the register's database which participants it holds and which registrations it accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from database.address import DatabaseAddress

POSITIONS: Final = "select partition, last_sequence from partition order by partition"
REGISTERED: Final = "select count(*) from participant where standing = 'registered'"
TALLIES: Final = """
    select region, measure, count(*) as count
    from participant
    cross join unnest(array['registered'] || array(select 'step:' || unnest(steps))) as measure
    where standing = 'registered' and campaign = $1
    group by region, measure
"""
REGISTRATIONS: Final = """
    select participant_id, value::jsonb -> 'data' ->> 'channel' as channel
    from event
    join unnest($1::smallint[], $2::bigint[]) as start (partition, sequence) using (partition)
    where event.sequence > start.sequence and type like '%.registered.v1'
"""


class RegisterContents:
    """Queries over one connection, which is open until the end of `open_register_contents`."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection

    async def positions(self) -> dict[int, int]:
        """Return the newest sequence of each partition."""
        return {row[0]: row[1] for row in await self._connection.fetch(POSITIONS)}

    async def registered(self) -> int:
        """Return the number of registered participants."""
        count: int = await self._connection.fetchval(REGISTERED)
        return count

    async def tallies(self, campaign: str) -> Counter[tuple[str, str]]:
        """Return the tallies of a campaign by (kelurahan, measure)."""
        rows = await self._connection.fetch(TALLIES, campaign)
        return Counter({(row["region"], row["measure"]): row["count"] for row in rows})

    async def others_registrations(self, since: dict[int, int], known: Container[str]) -> Counter[str]:
        """Count by channel the registrations after the positions `since` of participants not in `known`."""
        rows = await self._connection.fetch(REGISTRATIONS, list(since), list(since.values()))
        return Counter(row["channel"] for row in rows if str(row["participant_id"]) not in known)


@asynccontextmanager
async def open_register_contents(database: DatabaseAddress) -> AsyncIterator[RegisterContents]:
    """Connect to the register's database as its own role, and close the connection at the end."""
    connection = await asyncpg.connect(**database.asyncpg_options())
    try:
        yield RegisterContents(connection)
    finally:
        await connection.close()

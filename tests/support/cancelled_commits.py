"""Cancels commits that wait for a synchronous standby, as the time-out of a client does."""

from __future__ import annotations

from typing import Any

import asyncpg

from database.address import DatabaseAddress
from tests.support.deadlines import until

WAITING = """
select count(*) from pg_stat_activity
 where wait_event = 'SyncRep' and application_name like $1 and query ilike $2
"""
CANCEL = """
select count(*) filter (where pg_cancel_backend(pid)) from pg_stat_activity
 where wait_event = 'SyncRep' and application_name like $1 and query ilike $2
"""


async def waiting_commits(
    admin: asyncpg.Connection[Any], application_name: str = "%", query: str = "%"
) -> int:
    """Return how many commits wait for the standby. Name and query are patterns of ILIKE."""
    count: int = await admin.fetchval(WAITING, application_name, query)
    return count


async def cancel_commits(
    admin: DatabaseAddress, application_name: str = "%", query: str = "%", deadline_s: float = 30.0
) -> int:
    """Wait until a commit waits for the standby, cancel all such commits, and return their number.

    A cancelled commit is visible on the primary, and the standby may never get it.
    """
    connection = await asyncpg.connect(**admin.asyncpg_options())
    try:

        async def cancelled() -> int:
            count: int = await connection.fetchval(CANCEL, application_name, query)
            return count

        return await until(cancelled, deadline_s, name="a commit waits for the standby")
    finally:
        await connection.close()

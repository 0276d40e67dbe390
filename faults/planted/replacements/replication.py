"""A planted bug: the relay publishes what it reads, without a commit that the synchronous standby has."""

from __future__ import annotations

from datetime import datetime

from database.replication import Connection


async def await_nothing(connection: Connection) -> datetime:
    """Like `await_standby`, but only return when the server started."""
    started_at: datetime = await connection.fetchval("select pg_postmaster_start_time()")
    return started_at

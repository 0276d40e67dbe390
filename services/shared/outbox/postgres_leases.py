"""The table of leases in PostgreSQL. One statement acquires or renews a lease, by the server's clock.

No session state is used, so a connection pooler, a lost connection or a restarted server does no harm.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import asyncpg

from database.sql_files import load_queries
from outbox.leadership import RENEW_EVERY_S, SECONDS, Leadership

__all__ = ["RENEW_EVERY_S", "SECONDS", "Lease", "PostgresLeaseTable", "lease_ddl", "new_holder"]

QUERIES: Final = load_queries("outbox")


def lease_ddl() -> str:
    """Return the DDL of the lease table, for the migrations of a service that has a lease."""
    return Path(__file__).with_name("ddl").joinpath("lease.sql").read_text("utf-8")


def new_holder() -> str:
    """Return a holder name that no other run of any process has."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class PostgresLeaseTable:
    """The table `lease`; see `LeaseTable`."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        """See `LeaseTable`."""
        term: int | None = await QUERIES.acquire(self._pool, name=name, holder=holder, seconds=seconds)
        return term

    async def raise_term(self, name: str, holder: str, term: int, above: int) -> int | None:
        """See `LeaseTable`."""
        raised: int | None = await QUERIES.raise_term(
            self._pool, name=name, holder=holder, term=term, above=above
        )
        return raised

    async def release(self, name: str, holder: str, term: int) -> None:
        """See `LeaseTable`."""
        await QUERIES.release(self._pool, name=name, holder=holder, term=term)


class Lease(Leadership):
    """A lease in the table `lease` of the pool's schema.

    For example: `Lease(pool, "publisher", new_holder())`.
    """

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        name: str,
        holder: str,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(PostgresLeaseTable(pool), name, holder, seconds, clock)

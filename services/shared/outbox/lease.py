"""Knows the table of leases in PostgreSQL: taken and renewed in one statement, by the server's clock.

No session state: a pooler, a cut connection or a restarted server does no harm.
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

from database.queries import load_queries
from outbox.leadership import RENEW_EVERY_S, SECONDS, Leadership

__all__ = ["RENEW_EVERY_S", "SECONDS", "Lease", "PostgresLeases", "lease_ddl", "new_holder"]

QUERIES: Final = load_queries("outbox")


def lease_ddl() -> str:
    """The table's definition, for the migrations of the service that leads something."""
    return Path(__file__).with_name("ddl").joinpath("lease.sql").read_text("utf-8")


def new_holder() -> str:
    """A holder's name that no other life of any process has had."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class PostgresLeases:
    """The rows of the table `lease`; see `LeaseRows`."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def take(self, name: str, holder: str, seconds: float) -> int | None:
        """See `LeaseRows`."""
        term: int | None = await QUERIES.take(self._pool, name=name, holder=holder, seconds=seconds)
        return term

    async def lift(self, name: str, holder: str, term: int, above: int) -> int | None:
        """See `LeaseRows`."""
        lifted: int | None = await QUERIES.lift(self._pool, name=name, holder=holder, term=term, above=above)
        return lifted

    async def release(self, name: str, holder: str, term: int) -> None:
        """See `LeaseRows`."""
        await QUERIES.release(self._pool, name=name, holder=holder, term=term)


class Lease(Leadership):
    """A lease in the table `lease` of the pool's schema: `Lease(pool, "publisher", new_holder())`."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        name: str,
        holder: str,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(PostgresLeases(pool), name, holder, seconds, clock)

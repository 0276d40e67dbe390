"""Commits that a fail-over to a synchronous standby may lose although other sessions see them.

If a commit waits for the synchronous standby and is cancelled, by a client's time-out or by an administrator,
PostgreSQL commits on the primary alone. It answers COMMIT with success and a warning. All sessions then see
the transaction. If the standby is promoted before it has received the transaction, the transaction is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from typing import Any, Final, TypeAlias

import asyncpg

from database.sql_files import load_queries

Connection: TypeAlias = "asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"

QUERIES: Final = load_queries("database")
WARNING: Final = "01000"
"""The SQLSTATE of the warning. Its text depends on the server's language, so the text is not compared."""
STANDBY_S_MAX: Final = 10.0
"""How long the standby is awaited before the caller starts again."""


class UnreplicatedCommitError(Exception):
    """A transaction is committed, but the synchronous standby may not have it.

    A fail-over may lose the transaction. Run it again: if that commit is replicated, so is this one.
    """


@contextmanager
def require_replication(connection: Connection) -> Iterator[None]:
    """Raise UnreplicatedCommitError at the end of the block if a fail-over may lose a commit in it."""
    warnings: list[str] = []

    def record(_connection: object, message: Any) -> None:
        if message.sqlstate == WARNING:
            warnings.append(str(message))

    connection.add_log_listener(record)
    try:
        yield
    finally:
        with suppress(asyncpg.InterfaceError):  # the connection was closed, and its listeners with it
            connection.remove_log_listener(record)
    if warnings:
        raise UnreplicatedCommitError(warnings[0])


@asynccontextmanager
async def replicated_connection(pool: asyncpg.Pool[Any]) -> AsyncIterator[Connection]:
    """Acquire a connection. Raises UnreplicatedCommitError if a fail-over may lose a commit of the block."""
    async with pool.acquire() as connection:
        with require_replication(connection):
            yield connection


@asynccontextmanager
async def replicated_transaction(connection: Connection) -> AsyncIterator[None]:
    """Run the block in a transaction. Raises UnreplicatedCommitError if a fail-over may lose its commit."""
    with require_replication(connection):
        async with connection.transaction():
            yield


async def await_standby(connection: Connection) -> datetime:
    """Return once the synchronous standby has everything that this session has read.

    The result identifies the server: it is when the server started. Without a synchronous standby, nothing is
    awaited. Raises TimeoutError after STANDBY_S_MAX seconds, or UnreplicatedCommitError if the wait was
    cancelled.
    """
    async with asyncio.timeout(STANDBY_S_MAX):
        with require_replication(connection):
            started_at: datetime = await QUERIES.commit_barrier(connection)
    return started_at

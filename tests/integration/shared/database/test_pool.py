"""No client keeps a transaction open: neither in the pool, nor while it is suspended."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from database.pool import connect
from tests.support.deadlines import until
from tests.support.postgres_server import Databases

pytestmark = pytest.mark.integration

TRANSACTION_S_MAX = 15


async def test_an_open_transaction_is_rolled_back_when_its_connection_returns_to_the_pool(
    database: Databases,
) -> None:
    pool = await connect(database.registration, application_name="test pool", max_size=1)
    asyncio.get_running_loop().set_exception_handler(
        lambda *_: None
    )  # the driver reports the open transaction to this handler
    try:
        async with pool.acquire() as connection:
            backend = await connection.fetchval("select pg_backend_pid()")
            await connection.transaction().start()
            await connection.execute("insert into campaign (id, name) values ('left-open', 'Contoh')")

        async with pool.acquire() as connection:
            assert await connection.fetchval("select pg_backend_pid()") == backend
            assert await connection.fetchval("select count(*) from campaign") == 0
            assert not connection.is_in_transaction()
    finally:
        pool.terminate()


async def test_a_client_suspended_between_parse_and_sync_does_not_keep_its_locks(database: Databases) -> None:
    """The driver prepares a statement with Parse and Flush. The server then waits, but not as idle.

    `idle_in_transaction_session_timeout` therefore does not apply to a client that is suspended there.
    """
    pool = await connect(database.registration, application_name="test pool", max_size=2)
    try:
        async with pool.acquire() as waiting, pool.acquire() as suspended:
            await waiting.execute("insert into campaign (id, name) values ('locked', 'Contoh')")
            await suspended.transaction().start()
            await suspended.execute("select 1 from campaign where id = 'locked' for update")
            await suspended.prepare("select 1 where $1::int = 1")  # sends no Sync

            await until(lambda: is_free(waiting), deadline_s=TRANSACTION_S_MAX + 30)
    finally:
        pool.terminate()


async def is_free(connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record]) -> bool:
    """Whether no other session locks the row."""
    row = await connection.fetchrow("select 1 from campaign where id = 'locked' for update skip locked")
    return row is not None

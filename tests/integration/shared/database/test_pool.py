"""A connection that is returned to the pool keeps no open transaction."""

from __future__ import annotations

import asyncio

import pytest

from database.pool import connect
from tests.support.postgres_server import Databases

pytestmark = pytest.mark.integration


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

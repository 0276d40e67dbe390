"""A commit whose wait for the synchronous standby was cancelled counts as a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from database.replication import (
    UnreplicatedCommitError,
    await_standby,
    replicated_transaction,
    require_replication,
)
from tests.support.cancelled_commits import cancel_commits, waiting_commits
from tests.support.deadlines import until
from tests.support.postgres_server import Databases, TestServer

pytestmark = pytest.mark.integration


@pytest.fixture
async def pool(missing_standby: TestServer, database: Databases) -> AsyncIterator[asyncpg.Pool[Any]]:
    """A pool of a server whose commits wait for a standby that does not exist."""
    pool = await asyncpg.create_pool(**database.registration.asyncpg_options(), min_size=2, max_size=2)
    yield pool
    pool.terminate()


async def _is_visible(pool: asyncpg.Pool[Any]) -> bool:
    return bool(await pool.fetchval("select exists (select from campaign where id = 'written')"))


async def _insert_in_a_transaction(pool: asyncpg.Pool[Any]) -> None:
    async with pool.acquire() as connection, replicated_transaction(connection):
        await connection.execute("insert into campaign (id, name) values ('written', 'Tertulis')")


async def _insert_in_a_statement(pool: asyncpg.Pool[Any]) -> None:
    async with pool.acquire() as connection:
        with require_replication(connection):
            await connection.execute("insert into campaign (id, name) values ($1, 'Tertulis')", "written")


@pytest.mark.parametrize("insert", [_insert_in_a_transaction, _insert_in_a_statement])
async def test_a_cancelled_commit_is_visible_and_raises(
    insert: Any, pool: asyncpg.Pool[Any], database: Databases
) -> None:
    inserting = asyncio.ensure_future(insert(pool))

    await cancel_commits(database.admin, query="%")
    with pytest.raises(UnreplicatedCommitError, match="synchronous replication"):
        await inserting

    assert await _is_visible(pool)


async def test_the_standby_is_awaited_and_a_cancelled_wait_raises(
    pool: asyncpg.Pool[Any], database: Databases
) -> None:
    async with pool.acquire() as connection:
        waiting = asyncio.ensure_future(await_standby(connection))

        await cancel_commits(database.admin, query="%barrier%")
        with pytest.raises(UnreplicatedCommitError):
            await waiting


async def test_once_the_standby_is_not_required_the_wait_ends(
    missing_standby: TestServer, pool: asyncpg.Pool[Any], database: Databases
) -> None:
    admin = await asyncpg.connect(**database.admin.asyncpg_options())
    async with pool.acquire() as connection:
        waiting = asyncio.ensure_future(await_standby(connection))
        await until(lambda: waiting_commits(admin, query="%barrier%"), 30, name="the barrier waits")

        missing_standby.require_a_standby("")
        server = await asyncio.wait_for(waiting, 30)

        assert server == await await_standby(connection)
    await admin.close()

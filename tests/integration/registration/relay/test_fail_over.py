"""The topic never has an event that a fail-over lost, or the relay refuses until `recover` is run."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
import pytest

from outbox.postgres_leases import SECONDS
from registration.relay.outbox_source import RegisterEventSource, ServerChangedError
from tests.integration.registration.relay.conftest import StartProcess
from tests.support.cancelled_commits import cancel_commits, waiting_commits
from tests.support.deadlines import until
from tests.support.postgres_server import STANDBY, Databases, TestServer
from tests.support.registration.event_topic import events, first_appearances
from tests.support.registration.register_writer import Register
from tests.support.topic_prefixes import Topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


async def _all_published(register: Register, deadline_s: float = 60.0) -> None:
    async def everything_is_published() -> bool:
        try:
            return await register.published() == await register.last_sequences()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # the server is being replaced
            return False

    await until(everything_is_published, deadline_s)


async def _write_events_without_standby(register: Register, databases: Databases, number: int) -> None:
    """Write events, and cancel the wait of their commit, so that they are visible on the primary alone."""
    writing = asyncio.ensure_future(register.write_events(number))
    await cancel_commits(databases.admin, query="commit%")
    await writing


async def _fail_over(server: TestServer) -> None:
    await asyncio.to_thread(server.fail_over)


async def test_an_event_that_only_the_primary_has_is_not_published(
    own_postgres: TestServer,
    database: Databases,
    register: Register,
    topics: Topics,
    start: StartProcess,
) -> None:
    await register.write_events(100)
    start("relay")
    await asyncio.to_thread(own_postgres.start_standby)
    own_postgres.require_a_standby(STANDBY)
    await register.write_events(100)
    await _all_published(register)

    own_postgres.stop_standby()
    stopped_at = time.monotonic()
    await _write_events_without_standby(register, database, 50)
    admin = await asyncpg.connect(**database.admin.asyncpg_options())

    async def the_relay_had_its_chance() -> bool:
        """The relay reads as long as it leads, which is for a lease's duration at most."""
        waits = await waiting_commits(admin, "registration relay", "%barrier%")
        return bool(waits) or time.monotonic() - stopped_at > SECONDS + 1

    await until(the_relay_had_its_chance, 30)
    admin.terminate()
    await _fail_over(own_postgres)
    await register.write_events(100)
    await _all_published(register)

    ids = await register.ids()
    assert sum(map(len, ids)) == 300
    assert [first_appearances(log) for log in await events(topics)] == ids


async def test_after_a_fail_over_that_lost_events_the_relay_refuses_until_recover_is_run(
    own_postgres: TestServer, register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write_events(100)
    start("relay")
    await _all_published(register)
    await asyncio.to_thread(own_postgres.start_standby)
    own_postgres.stop_standby()
    await register.write_events(50)
    await _all_published(register)

    await _fail_over(own_postgres)
    await register.write_events(200)

    async def the_relay_refuses() -> bool:
        return "registration recover" in (await pool.fetchval("select refused from register") or "")

    await until(the_relay_refuses, 60)
    assert sum(map(len, await events(topics))) == 150
    assert await start("recover", "--yes", "--wait-s", "0").ended(60) == 0
    await _all_published(register)

    ids = await register.ids()
    assert sum(map(len, ids)) == 300
    assert [first_appearances(log) for log in await events(topics)] == ids


async def test_a_server_that_was_not_compared_with_the_topic_is_not_read(
    own_postgres: TestServer, register: Register, pool: asyncpg.Pool[Any]
) -> None:
    """The pool reconnects by itself, so the relay may notice nothing of a fast fail-over."""
    source = RegisterEventSource(pool)
    await source.follow_server()
    await register.write_events(3)
    assert await source.pending(10, ())

    await asyncio.to_thread(own_postgres.crash)
    await asyncio.to_thread(own_postgres.restart)
    with pytest.raises(ServerChangedError):
        await source.pending(10, ())

    await source.follow_server()
    assert await source.pending(10, ())

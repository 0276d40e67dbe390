"""Every published cut is evaluated, although the notifier or its database was away while it was published."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.support.notifier.cut_writer import CutWriter
from tests.support.notifier.processes import RULES, Notifiers, until
from tests.support.postgres_server import Databases
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration


async def thresholds(connection: Any) -> list[int]:
    """Return the thresholds of all latches, in ascending order."""
    return [row["threshold"] for row in await connection.fetch("select threshold from latch order by 1")]


async def evaluated(connection: Any, cuts: CutWriter) -> bool:
    """Whether the newest cut that was written is the last evaluated cut."""
    cut = await connection.fetchrow("select term, cut from evaluated_cut")
    return cut is not None and (cut["term"], cut["cut"]) == (cuts.term, cuts.cut)


async def latched(connection: Any, *expected: int) -> bool:
    return await thresholds(connection) == list(expected)


@pytest.mark.parametrize(
    "full", [False, True], ids=["before the next full record", "before newer full records"]
)
async def test_a_threshold_that_was_reached_and_left_while_no_notifier_ran_is_latched(
    notifier: Notifiers, cuts: CutWriter, connection: Any, full: bool
) -> None:
    first = notifier.start()
    await cuts.full(_31=1)
    await until(lambda: evaluated(connection, cuts))
    first.kill()

    await cuts.change(_31=150)
    await cuts.change(_31=4)
    if full:
        await cuts.full()
        await cuts.full()
    notifier.start()

    await until(lambda: latched(connection, 100))
    row = await connection.fetchrow("select cut, value from latch")
    assert (row["cut"], row["value"]) == ("1.2", 150)


@asynccontextmanager
async def unreachable(databases: Databases) -> AsyncIterator[None]:
    """Refuse new connections to the database and end the open ones; allow connections again at the end."""
    name = databases.name
    server = await asyncpg.connect(**replace(databases.admin, name="postgres").asyncpg_options())
    try:
        await server.execute(f'alter database "{name}" allow_connections false')
        await server.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name
        )
        yield
        await server.execute(f'alter database "{name}" allow_connections true')
    finally:
        await server.close()


async def test_a_threshold_that_was_reached_and_left_while_the_database_was_away_is_latched(
    notifier: Notifiers, cuts: CutWriter, database: Databases, connection: Any
) -> None:
    running = notifier.start()
    await cuts.full(_31=1)
    await until(lambda: evaluated(connection, cuts))

    async with unreachable(database):
        await cuts.change(_31=150)
        await until(lambda: b"loop failed" in running.log.read_bytes())
        await cuts.change(_31=4)
        await cuts.full()

    async def is_latched() -> bool:
        again = await asyncpg.connect(**database.notifier.asyncpg_options())
        try:
            return await latched(again, 100)
        finally:
            await again.close()

    await until(is_latched)


async def test_a_peak_stands_for_cuts_that_the_topic_no_longer_has(
    notifier: Notifiers, cuts: CutWriter, topics: Topics, connection: Any
) -> None:
    first = notifier.start()
    await cuts.full(_31=1)
    await until(lambda: evaluated(connection, cuts))
    first.kill()

    await topics.empty("region-counts", 1)
    left_at = (datetime.now(UTC) + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    cuts.cut += 5
    await cuts.full(_31=4, peaks=[["all", "31", "registered", 150, left_at]])
    notifier.start()

    await until(lambda: latched(connection, 100))


async def test_cuts_of_a_topic_that_was_created_again_are_evaluated(
    notifier: Notifiers, cuts: CutWriter, topics: Topics, connection: Any
) -> None:
    cuts.term = 5
    first = notifier.start()
    await cuts.full(_31=1)
    await until(lambda: evaluated(connection, cuts))
    first.kill()

    await topics.create_again("region-counts")
    cuts.term, cuts.cut = 1, 0
    await cuts.full(_31=150)
    notifier.start()

    await until(lambda: latched(connection, 100))


async def test_a_new_epoch_of_the_register_sends_no_alert_again(
    notifier: Notifiers, cuts: CutWriter, connection: Any
) -> None:
    notifier.write_rules(RULES.replace("at: [100, 200, 300]", "at: [100], rearm_margin: 10"))
    notifier.start()
    await cuts.full(_31=100)
    await until(lambda: latched(connection, 100))

    cuts.epoch += 1
    await cuts.full(_31=0)
    await cuts.change(_31=95)
    await cuts.change(_31=100)

    await until(lambda: connection.fetchval("select register_epoch = 2 from latch"))
    assert await thresholds(connection) == [100]
    assert await connection.fetchval("select state from latch") == "crossed"

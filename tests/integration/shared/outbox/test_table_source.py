"""Records appended in transactions are published in order, each with its sequence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from kafka.leader_producer import LeaderProducer
from lifecycle.stop_signal import StopSignal
from outbox.leader import Leader
from outbox.outbox_table import TableSource, append, table_ddl
from outbox.postgres_leases import Lease, new_holder
from outbox.publisher import Publisher, TopicChannel
from outbox.source import PublishedMove
from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.registration.event_topic import records
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration


@pytest.fixture
async def pool(database: Databases) -> AsyncIterator[asyncpg.Pool[Any]]:
    """A pool for a schema with the lease table and the outbox tables."""
    pool: asyncpg.Pool[Any]
    async with asyncpg.create_pool(**database.registration.asyncpg_options(), min_size=1, max_size=8) as pool:
        await pool.execute(table_ddl())
        yield pool


async def test_records_of_concurrent_transactions_are_published_completely_in_sequence_order(
    pool: asyncpg.Pool[Any], topics: Topics
) -> None:
    async def write(writer: int) -> None:
        for n in range(10):
            async with pool.acquire() as connection, connection.transaction():
                value = json.dumps({"writer": writer, "n": n}).replace('"n"', '"sequence":{sequence},"n"')
                await append(connection, "milestones", [(f"{writer}.{n}", value), (f"{writer}.{n}", None)])

    lease = Lease(pool, "milestones", new_holder())
    producer = LeaderProducer(topics.settings(), lease)
    publisher = Publisher(TableSource(pool, "milestones", "milestones"), TopicChannel(producer, "milestones"))
    stopping = StopSignal()
    leading = asyncio.ensure_future(Leader(lease, publisher, producer).run(stopping))
    await asyncio.gather(*(write(writer) for writer in range(4)))
    await until(
        lambda: pool.fetchval("select published = last_sequence from outbox"),
        name="all records are published",
    )
    stopping.set()
    await leading

    (found,) = await records(topics, "milestones", 1)
    values = [json.loads(record.value) if record.value else None for record in found]
    assert len(values) == 80
    assert [value["sequence"] for value in values[::2] if value] == list(range(1, 80, 2))
    assert values[1::2] == [None] * 40
    for writer in range(4):
        assert [v["n"] for v in values if v and v["writer"] == writer] == list(range(10))


async def test_a_published_record_replaces_the_earlier_records_of_its_key(pool: asyncpg.Pool[Any]) -> None:
    source = TableSource(pool, "milestones", "milestones")
    lease = Lease(pool, "milestones", new_holder())
    term = await lease.renew()
    assert term is not None
    async with pool.acquire() as connection, connection.transaction():
        await append(connection, "milestones", [("a", "1"), ("b", "1"), ("a", "2"), ("b", "2")])

    await source.advance([PublishedMove(0, 0, 3)], term + 1)
    refused = await pool.fetchval("select count(*) from outbox_record")
    await source.advance([PublishedMove(0, 0, 3)], term)

    kept = await pool.fetch("select key, sequence from outbox_record order by sequence")
    assert refused == 4
    assert [tuple(row) for row in kept] == [("b", 2), ("a", 3), ("b", 4)]


async def test_a_position_moves_only_from_its_expected_value_and_only_in_the_holders_term(
    pool: asyncpg.Pool[Any],
) -> None:
    async with pool.acquire() as connection:
        await append(connection, "t", [("k", "v"), ("k", "v"), ("k", "v")])
    lease = Lease(pool, "l", new_holder())
    term = await lease.renew()
    assert term == 1
    source = TableSource(pool, "t", "l")

    assert await source.advance([PublishedMove(0, 1, 2)], term) == 0
    assert await source.advance([PublishedMove(0, 0, 2)], term + 1) == 0
    assert await source.advance([PublishedMove(0, 0, 2)], term) == 1
    (pending,) = await source.pending(10, ())
    assert (pending.published, [record.sequence for record in pending.records]) == (2, [3])
    await lease.release()
    assert await source.advance([PublishedMove(0, 2, 3)], term) == 0

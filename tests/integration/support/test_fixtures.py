"""The fixtures provide each test with a real broker, an empty database, and waits that end at a deadline."""

from __future__ import annotations

from typing import cast

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.support.broker import Broker
from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration


async def test_a_record_written_to_a_new_topic_can_be_read(topics: Topics) -> None:
    topic = topics.name("participant-events")

    await _send(topics, topic, b"one")

    assert await _read(topics, topic) == b"one"


async def test_a_killed_broker_keeps_acknowledged_records(own_kafka: Broker, topics: Topics) -> None:
    topic = topics.name("participant-events")
    await _send(topics, topic, b"kept")

    own_kafka.kill()
    await own_kafka.restart()

    assert topics.bootstrap_servers == own_kafka.bootstrap_servers
    assert await _read(topics, topic) == b"kept"


async def test_a_service_can_read_its_own_schema_only(database: Databases) -> None:
    own = await asyncpg.connect(**database.registration.asyncpg_options())
    other = await asyncpg.connect(**database.aggregator.asyncpg_options())
    await own.execute("create table own_table (a int)")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await other.fetch("select * from registration.own_table")

    await own.close()
    await other.close()


async def test_each_test_has_a_new_database(database: Databases) -> None:
    connection = await asyncpg.connect(**database.registration.asyncpg_options())

    left = await connection.fetchval("select to_regclass('own_table')")

    assert left is None
    await connection.close()


async def test_a_condition_that_is_never_met_fails_with_its_name() -> None:
    def the_moon_is_full() -> bool:
        return False

    with pytest.raises(AssertionError, match=r"not within 0.1 s: the moon is full"):
        await until(the_moon_is_full, deadline_s=0.1)


async def test_a_condition_may_assert_and_is_repeated() -> None:
    tries: list[int] = []

    async def met_at_the_third_try() -> int:
        tries.append(1)
        assert len(tries) == 3
        return len(tries)

    assert await until(met_at_the_third_try, every_s=0.001) == 3


async def _send(topics: Topics, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(**topics.settings().client_options(), enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, value, partition=0)


async def _read(topics: Topics, topic: str) -> bytes | None:
    options = topics.settings().client_options()
    async with AIOKafkaConsumer(topic, **options, auto_offset_reset="earliest") as consumer:
        return cast(bytes, (await consumer.getone()).value)  # aiokafka ships no types

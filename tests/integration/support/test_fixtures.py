"""The fixtures are what they say: real, fresh, and broken on demand."""

from __future__ import annotations

from typing import cast

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.support.broker import Broker
from tests.support.databases import Databases
from tests.support.deadlines import until
from tests.support.topics import Topics

pytestmark = pytest.mark.integration


async def test_a_record_written_to_a_fresh_topic_is_read_back(topics: Topics) -> None:
    topic = topics.name("participant-events")

    await _send(topics, topic, b"one")

    assert await _read(topics, topic) == b"one"


async def test_a_killed_broker_keeps_what_it_acknowledged(own_kafka: Broker, topics: Topics) -> None:
    topic = topics.name("participant-events")
    await _send(topics, topic, b"kept")

    own_kafka.kill()
    await own_kafka.restart()

    assert topics.bootstrap_servers == own_kafka.bootstrap_servers
    assert await _read(topics, topic) == b"kept"


async def test_a_service_sees_its_own_schema_and_no_other(database: Databases) -> None:
    mine = await asyncpg.connect(database.registration)
    other = await asyncpg.connect(database.aggregator)
    await mine.execute("create table only_mine (a int)")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await other.fetch("select * from registration.only_mine")

    await mine.close()
    await other.close()


async def test_the_database_of_the_next_test_is_fresh(database: Databases) -> None:
    connection = await asyncpg.connect(database.registration)

    left = await connection.fetchval("select to_regclass('only_mine')")

    assert left is None
    await connection.close()


async def test_a_condition_that_never_holds_fails_by_its_name() -> None:
    def the_moon_is_full() -> bool:
        return False

    with pytest.raises(AssertionError, match=r"not within 0.1 s: the moon is full"):
        await until(the_moon_is_full, deadline_s=0.1)


async def test_a_condition_may_assert_and_is_tried_again() -> None:
    tries: list[int] = []

    async def tried_thrice() -> int:
        tries.append(1)
        assert len(tries) == 3
        return len(tries)

    assert await until(tried_thrice, every_s=0.001) == 3


async def _send(topics: Topics, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(**topics.settings().client_options(), enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, value, partition=0)


async def _read(topics: Topics, topic: str) -> bytes | None:
    options = topics.settings().client_options()
    async with AIOKafkaConsumer(topic, **options, auto_offset_reset="earliest") as consumer:
        return cast(bytes, (await consumer.getone()).value)  # aiokafka ships no types

"""After any failure of the relay, the topic has every event in order, without gaps. Repeats are allowed."""

from __future__ import annotations

import signal
from typing import Any

import asyncpg
import pytest

from tests.integration.registration.relay.conftest import StartProcess
from tests.support.broker import Broker
from tests.support.deadlines import until
from tests.support.registration.event_topic import events, first_appearances, has_gap, records
from tests.support.registration.register_writer import Register
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

CRASH_POINTS = ["relay.before_produce", "relay.after_produce", "relay.after_ack", "relay.after_advance"]


async def _all_published(register: Register, deadline_s: float = 60.0) -> None:
    async def everything_is_published() -> bool:
        return await register.published() == await register.last_sequences()

    await until(everything_is_published, deadline_s)


async def _assert_complete(register: Register, topics: Topics) -> int:
    """Assert that the topic has every event in order, and return the number of repeated events."""
    logs, ids = await events(topics), await register.ids()
    assert not any(map(has_gap, logs))
    assert [first_appearances(log) for log in logs] == ids
    return sum(map(len, logs)) - sum(map(len, ids))


async def test_events_are_published_in_sequence_order_with_participant_key_and_header(
    register: Register, topics: Topics, start: StartProcess
) -> None:
    await register.write_events(500)
    start("relay")

    await register.write_events(300)
    await _all_published(register)

    assert await _assert_complete(register, topics) == 0
    for partition, found in enumerate(await records(topics, "participant-events", 12)):
        for record in found:
            assert record.partition == partition
            assert record.headers == (("content-type", b"application/cloudevents+json"),)
            assert b'"subject": "' + record.key + b'"' in record.value


@pytest.mark.parametrize("point", CRASH_POINTS)
async def test_a_relay_killed_at_any_point_leaves_no_gap(
    point: str, register: Register, topics: Topics, start: StartProcess
) -> None:
    await register.write_events(2_000)
    crashing = start("relay", REGISTRATION_CRASH_AT=f"{point}:2", REGISTRATION_RELAY_RECORDS_MAX="50")
    assert await crashing.ended(60) == -signal.SIGKILL

    start("relay")
    await _all_published(register)

    await _assert_complete(register, topics)


async def test_two_relays_of_which_one_is_suspended_keep_every_partition_in_order(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write_events(1_000)
    first = start("relay", REGISTRATION_RELAY_RECORDS_MAX="20")

    async def half_is_published() -> bool:
        return sum(await register.published()) > 300

    async def the_second_leads() -> bool:
        return (await pool.fetchval("SELECT term FROM lease WHERE name = 'relay'") or 0) >= 2

    await until(half_is_published)
    first.send(signal.SIGSTOP)
    await register.write_events(1_000)
    second = start("relay", REGISTRATION_RELAY_RECORDS_MAX="20")
    await until(the_second_leads)
    first.send(signal.SIGCONT)
    for _ in range(5):
        await register.write_events(200)
    await _all_published(register)
    second.send(signal.SIGSTOP)
    await register.write_events(500)
    await _all_published(register)
    second.send(signal.SIGCONT)
    await register.write_events(100)
    await _all_published(register)

    await _assert_complete(register, topics)


async def test_after_an_outage_of_the_broker_events_are_published_in_order(
    own_kafka: Broker, register: Register, topics: Topics, start: StartProcess
) -> None:
    await register.write_events(500)
    relay = start("relay")
    await _all_published(register)

    own_kafka.kill()
    await register.write_events(3_000)
    await own_kafka.restart()
    await register.write_events(500)
    await _all_published(register)

    assert relay.exit_code() is None
    await _assert_complete(register, topics)


async def test_after_a_suspension_of_the_broker_events_are_published_in_order(
    own_kafka: Broker, register: Register, topics: Topics, start: StartProcess
) -> None:
    relay = start("relay")
    await register.write_events(500)
    await _all_published(register)

    own_kafka.pause()
    await register.write_events(1_000)
    await _outlast_the_lease()
    own_kafka.resume()
    await _all_published(register)

    assert relay.exit_code() is None
    await _assert_complete(register, topics)


async def _outlast_the_lease() -> None:
    """Wait until the lease has expired, by time alone, because nothing that a test can read shows it."""
    import time

    began_s = time.monotonic()
    await until(lambda: time.monotonic() - began_s > 4.0, name="longer than a lease")

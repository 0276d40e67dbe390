"""An abandoned producer sends no waiting batch and does not wait for an unreachable broker."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from kafka.abandonable_producer import ABANDON_S_MAX, Producer
from tests.support.broker import Broker
from tests.support.registration.event_topic import records
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

BYTES = 100_000


async def _queue_batch(producer: Producer, topics: Topics, value: bytes) -> asyncio.Future[Any]:
    batch = producer.create_batch()
    batch.append(timestamp=None, key=b"k", value=value)
    future: asyncio.Future[Any] = await producer.send_batch(batch, topics.name("milestones"), partition=0)
    return future


async def _values(topics: Topics) -> list[bytes]:
    return [record.value for record in (await records(topics, "milestones", 1))[0]]


async def test_a_record_is_acknowledged_with_its_offset(topics: Topics) -> None:
    producer = Producer(topics.settings().client_options(), BYTES)
    await producer.open()

    offsets = [(await (await _queue_batch(producer, topics, b"%d" % n))).offset for n in range(3)]
    await producer.abandon()

    assert offsets == [0, 1, 2]
    assert await _values(topics) == [b"0", b"1", b"2"]


async def test_an_abandoned_producer_sends_no_batch_that_waited_for_a_hanging_broker(
    own_kafka: Broker, topics: Topics
) -> None:
    producer = Producer(topics.settings().client_options(), BYTES)
    await producer.open()
    await (await _queue_batch(producer, topics, b"acknowledged"))

    own_kafka.pause()
    in_flight = await _queue_batch(producer, topics, b"in flight")
    waiting = asyncio.ensure_future(_queue_batch(producer, topics, b"waiting"))
    await asyncio.sleep(0)
    began_s = time.monotonic()
    await producer.abandon()
    took_s = time.monotonic() - began_s
    own_kafka.resume()
    waiting.cancel()
    in_flight.cancel()

    assert took_s < 10 * ABANDON_S_MAX, "a producer that waits for its requests waits 40 s"
    assert b"waiting" not in await _values(topics)


async def test_an_abandoned_producer_leaves_no_task_behind(topics: Topics) -> None:
    before = asyncio.all_tasks()
    producer = Producer(topics.settings().client_options(), BYTES)
    await producer.open()
    await (await _queue_batch(producer, topics, b"v"))

    await producer.abandon()
    await producer.abandon()

    assert asyncio.all_tasks() == before


async def test_opening_fails_if_no_broker_listens() -> None:
    producer = Producer({"bootstrap_servers": "127.0.0.1:1"}, BYTES)

    with pytest.raises(Exception, match="Unable to bootstrap"):
        await producer.open(30.0)

"""A reader without a group reads each partition to its end, and can be closed while its broker is dead."""

from __future__ import annotations

import pytest
from aiokafka import AIOKafkaProducer

from kafka.record_deletion import delete_all_records
from kafka.topic_reader import newest_records, open_reader
from tests.support.broker import Broker
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

EVENTS = "participant-events"


async def _write(topics: Topics, partition: int, *values: bytes) -> None:
    async with AIOKafkaProducer(**topics.settings().client_options()) as producer:
        for value in values:
            await producer.send_and_wait(topics.name(EVENTS), value, partition=partition)


async def test_the_newest_records_of_each_partition_are_read_in_order(topics: Topics) -> None:
    await _write(topics, 0, b"a", b"b", b"c")
    await _write(topics, 2, b"d")

    found = await newest_records(topics.settings(), EVENTS, 2, range(3))

    assert {partition: [record.value for record in records] for partition, records in found.items()} == {
        0: [b"b", b"c"],
        1: [],
        2: [b"d"],
    }


async def test_an_emptied_topic_has_no_newest_records_and_continues_its_offsets(topics: Topics) -> None:
    await _write(topics, 0, b"a", b"b")

    await delete_all_records(topics.settings(), EVENTS, range(12))
    emptied = await newest_records(topics.settings(), EVENTS, 5)
    await _write(topics, 0, b"c")

    assert emptied == {0: []}
    assert [(r.offset, r.value) for r in (await newest_records(topics.settings(), EVENTS, 5))[0]] == [
        (2, b"c")
    ]


async def test_a_reader_has_read_the_topic_only_when_every_partition_is_at_its_end(topics: Topics) -> None:
    await _write(topics, 0, b"a")
    await _write(topics, 1, b"b", b"c")
    ends = {0: 1, 1: 2}
    values: list[bytes] = []

    async with open_reader(topics.settings(), EVENTS, (0, 1), records_max=1) as reader:
        reader.seek(0, 0)
        reader.seek(0, 1)
        while not reader.has_read(ends):
            assert len(values) < 3
            for records in (await reader.poll(5.0)).values():
                values += [record.value for record in records]

    assert sorted(values) == [b"a", b"b", b"c"]


async def test_closing_a_reader_of_a_dead_broker_raises_no_cancellation(
    own_kafka: Broker, topics: Topics
) -> None:
    tries = 0

    async with open_reader(topics.settings(), "region-counts") as reader:
        reader.seek(0)
        await reader.poll(0.1)
        own_kafka.kill()
        while tries < 5:  # until a failed fetch waits for its retry, which must not block closing
            await reader.poll(0.3)
            tries += 1

    assert tries == 5

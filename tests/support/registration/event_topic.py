"""Reads all records of a topic, and checks the order of events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from tests.support.topic_prefixes import Topics


async def records(topics: Topics, topic: str, partitions: int) -> list[list[ConsumerRecord[Any, Any]]]:
    """Read all records that a topic holds now. Returns one list per partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=topics.bootstrap_servers,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        tps = [TopicPartition(topics.name(topic), partition) for partition in range(partitions)]
        consumer.assign(tps)
        end = await consumer.end_offsets(tps)
        found: list[list[ConsumerRecord[Any, Any]]] = [[] for _ in tps]
        while True:
            unread = [tp for tp in tps if await consumer.position(tp) < end[tp]]
            if not unread:
                return found
            for tp, batch in (await consumer.getmany(*unread, timeout_ms=500)).items():
                found[tp.partition].extend(batch)
    finally:
        await consumer.stop()


async def events(topics: Topics) -> list[list[tuple[int, str]]]:
    """Read the (sequence, id) of all events. Returns one list per partition, in the order of offsets."""
    found = []
    for partition in await records(topics, "participant-events", 12):
        read = [json.loads(record.value) for record in partition]
        found.append([(event["sequence"], event["id"]) for event in read])
    return found


def first_appearances(log: Sequence[tuple[int, str]]) -> list[str]:
    """Return the ids of the events that a worker would count, without repeats and events above a gap."""
    counted: list[str] = []
    for sequence, event_id in log:
        if sequence == len(counted) + 1:
            counted.append(event_id)
    return counted


def has_gap(log: Sequence[tuple[int, str]]) -> bool:
    """Return whether any sequence n appears before the sequence n - 1 has appeared."""
    highest = 0
    for sequence, _ in log:
        if sequence > highest + 1:
            return True
        highest = max(highest, sequence)
    return False

"""Detects that the topic contains events that this register never wrote.

After a restore from an older backup, the register assigns some sequences a second time. The topic already has
these sequences with other event ids. If the relay went on publishing, consumers would drop the new events as
repeats. So before it publishes, the relay compares the last event of each partition with the register.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from registration.store.register_rows import QUERIES

RECORDS_BACK: Final = 200
"""Records read per partition. One is not enough: the last record may be invalid or a repeat."""
READ_S_MAX: Final = 10.0


class KafkaAccess(Protocol):
    """What this module needs of the Kafka settings. `settings.kafka.KafkaSettings` implements it."""

    def client_options(self) -> dict[str, Any]:
        """Return the arguments for an aiokafka client."""

    def topic(self, name: str) -> str:
        """Return the full name of a topic on the broker."""


class TopicRecord(msgspec.Struct, frozen=True):
    """The fields that the comparison needs of an event on the topic."""

    id: str
    partition: int
    sequence: int


class RegisteredEvent(msgspec.Struct, frozen=True):
    """What the register has in a partition: its last sequence, and the event at the compared sequence.

    `id` is the id of this event; None if the register has no event at that sequence.
    """

    last_sequence: int
    id: str | None


_decoder = msgspec.json.Decoder(TopicRecord)


def mismatch(topic_ends: Mapping[int, TopicRecord], registered: Mapping[int, RegisteredEvent]) -> str | None:
    """Return why the topic cannot come from this register; None if it can. Both mappings are by partition."""
    for partition, event in sorted(topic_ends.items()):
        own = registered[partition]
        if event.sequence > own.last_sequence:
            return (
                f"partition {partition} of the topic has sequence {event.sequence}, "
                f"the register only {own.last_sequence}: was it restored? Run `registration recover`"
            )
        if event.id != own.id:
            return (
                f"sequence {event.sequence} of partition {partition} is another event on the topic "
                "than in the register: was it restored? Run `registration recover`"
            )
    return None


async def compare(pool: asyncpg.Pool[Any], topic_ends: Mapping[int, TopicRecord]) -> str | None:
    """Compare the last events of the topic with the register.

    Returns the reason to refuse publishing; None if they match.
    """
    rows = QUERIES.relay_registered_events(
        pool, partitions=list(topic_ends), sequences=[event.sequence for event in topic_ends.values()]
    )
    registered = {row["partition"]: RegisteredEvent(row["last_sequence"], row["id"]) async for row in rows}
    return mismatch(topic_ends, registered)


async def read_tail(kafka: KafkaAccess, topic: str, partitions: int) -> dict[int, TopicRecord]:
    """Return, by partition, the event with the highest sequence in the partition's last RECORDS_BACK records.

    A partition without an event in these records is left out. Raises KafkaError or TimeoutError.
    """
    consumer = AIOKafkaConsumer(
        **kafka.client_options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=256 * 1024,
    )
    await consumer.start()
    try:
        tps = [TopicPartition(kafka.topic(topic), partition) for partition in range(partitions)]
        consumer.assign(tps)
        first, end = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        unread = {tp for tp in tps if end[tp] > first[tp]}
        for tp in unread:
            consumer.seek(tp, max(first[tp], end[tp] - RECORDS_BACK))
        return await _highest(consumer, unread, end)
    finally:
        await consumer.stop()


async def _highest(
    consumer: AIOKafkaConsumer, unread: set[TopicPartition], end: Mapping[TopicPartition, int]
) -> dict[int, TopicRecord]:
    highest: dict[int, TopicRecord] = {}
    for tp in consumer.assignment() - unread:
        consumer.pause(tp)
    while unread:
        fetched = await consumer.getmany(*unread, timeout_ms=int(READ_S_MAX * 1000))
        if not fetched:
            raise TimeoutError(f"the end of {len(unread)} partitions could not be read")
        for tp, records in fetched.items():
            _keep_highest(highest, tp.partition, [record.value for record in records])
            if records[-1].offset + 1 >= end[tp]:
                unread.discard(tp)
                consumer.pause(tp)
    return highest


def _keep_highest(highest: dict[int, TopicRecord], partition: int, values: Iterable[bytes | None]) -> None:
    for value in values:
        event = _decode(value, partition)
        if event and event.sequence >= highest.get(partition, event).sequence:
            highest[partition] = event


def _decode(value: bytes | None, partition: int) -> TopicRecord | None:
    """Decode an event; None if the record contains no event of this partition."""
    try:
        event = _decoder.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return event if event.partition == partition else None

"""Knows how to tell that the topic holds events which this register never wrote.

A register restored from an older copy hands out sequences again that the topic already holds under other
ids: sending on would let readers drop new events as repeats. So before anything is sent the end of each
partition is compared with the register.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from database.queries import load_queries

RECORDS_BACK: Final = 200
"""Looked at per partition: a stream that was set back ends in repeats, and the end may be unreadable."""
READ_S_MAX: Final = 10.0

QUERIES: Final = load_queries("registration.store")


class KafkaAccess(Protocol):
    """Where Kafka is and what topics are called there: `settings.kafka.KafkaSettings`."""

    def client_options(self) -> dict[str, Any]:
        """Arguments for a client of aiokafka."""

    def topic(self, name: str) -> str:
        """The name on the wire."""


class TopicRecord(msgspec.Struct, frozen=True):
    """The place and id of an event on the topic: all that is decoded of it."""

    id: str
    partition: int
    sequence: int


class RegisteredEvent(msgspec.Struct, frozen=True):
    """What the register says of a sequence: how far it has come itself, and the event's id there, if any."""

    last_sequence: int
    id: str | None


_decoder = msgspec.json.Decoder(TopicRecord)


def mismatch(seen: Mapping[int, TopicRecord], known: Mapping[int, RegisteredEvent]) -> str | None:
    """Why the topic cannot come from this register, or None."""
    for partition, event in sorted(seen.items()):
        here = known[partition]
        if event.sequence > here.last_sequence:
            return (
                f"partition {partition} of the topic holds sequence {event.sequence}, "
                f"the register has come to {here.last_sequence}: was it restored? Run `registration recover`"
            )
        if event.id != here.id:
            return (
                f"sequence {event.sequence} of partition {partition} is another event on the topic "
                "than in the register: was it restored? Run `registration recover`"
            )
    return None


async def compare(pool: asyncpg.Pool[Any], seen: Mapping[int, TopicRecord]) -> str | None:
    """Compare the topic's ends with the register; the reason to refuse, or None."""
    rows = QUERIES.relay_known(
        pool, partitions=list(seen), sequences=[event.sequence for event in seen.values()]
    )
    known = {row["partition"]: RegisteredEvent(row["last_sequence"], row["id"]) async for row in rows}
    return mismatch(seen, known)


async def read_tail(kafka: KafkaAccess, topic: str, partitions: int) -> dict[int, TopicRecord]:
    """The highest event near the end of each partition that holds one. Raises KafkaError, TimeoutError."""
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
        found = await consumer.getmany(*unread, timeout_ms=int(READ_S_MAX * 1000))
        if not found:
            raise TimeoutError(f"the end of {len(unread)} partitions could not be read")
        for tp, records in found.items():
            for record in records:
                seen = _read(record.value, tp.partition)
                if seen and seen.sequence >= highest.get(tp.partition, seen).sequence:
                    highest[tp.partition] = seen
            if records[-1].offset + 1 >= end[tp]:
                unread.discard(tp)
                consumer.pause(tp)
    return highest


def _read(value: bytes | None, partition: int) -> TopicRecord | None:
    """The event's place; None where it has none here, as for anything that others put on the topic."""
    try:
        seen = _decoder.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return seen if seen.partition == partition else None

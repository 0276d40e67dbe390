"""Detects that the topic contains events that this register never wrote.

After a restore from an older backup, the register assigns some sequences a second time. The topic already has
these sequences with other event ids. If the relay went on publishing, consumers would drop the new events as
repeats. So before it publishes, the relay compares the last event of each partition with the register.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg
import msgspec

from registration.store.register_rows import QUERIES


def records_back(batch_records_max: int) -> int:
    """Return how many records of each partition to read.

    The highest event may lie below two batches: one of a rewind that has just begun, and a late batch of a
    former relay.
    """
    return 3 * batch_records_max


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


def highest_events(records: Mapping[int, Iterable[Any]]) -> dict[int, TopicRecord]:
    """Return the event with the highest sequence of each partition; of equal sequences, the last.

    A partition without an event in its records is left out.
    """
    highest: dict[int, TopicRecord] = {}
    for partition, found in records.items():
        for record in found:
            event = decode_record(record.value, partition)
            if event and event.sequence >= highest.get(partition, event).sequence:
                highest[partition] = event
    return highest


def decode_record(value: bytes | None, partition: int) -> TopicRecord | None:
    """Decode an event; None if the record contains no event of this partition."""
    try:
        event = _decoder.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return event if event.partition == partition else None

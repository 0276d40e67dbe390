"""What is read after the last fault: register, topics, tallies, latches, receipts, each in its own words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from aggregator.domain.counting import PARTITIONS
from deploy.topics import read_topics as listed_topics
from faults.system_under_test import World
from settings.contract_files import contract_path

SILENCE_MS: Final = 1_000


@dataclass(frozen=True)
class Participant:
    """A participant as the register holds it."""

    region: str
    revision: int
    standing: str
    steps: tuple[str, ...]
    imported: bool


@dataclass
class Stored:
    """What the three schemas of the database hold."""

    participants: dict[str, Participant]
    last_sequences: dict[int, int]
    events: dict[tuple[int, int], str]
    """Event ids by partition and sequence."""
    values: dict[int, list[str]]
    """The events of each partition as they go to the topic, in the order of their sequences."""
    tallies: dict[tuple[str, str, str], int]
    quarantined: int
    latches: list[dict[str, Any]]
    alerts: list[dict[str, Any]]


@dataclass
class Topic:
    """The records of one topic: per partition, values in order from the first that is there."""

    values: dict[int, list[bytes | None]] = field(default_factory=dict)


PARTICIPANTS: Final = """
select id::text, region, revision, standing, steps, import_id from registration.participant
"""
TALLIES: Final = """
select scope, region, measure, count from aggregator.tally join aggregator.live using (set_id)
where count <> 0
"""
LAST_SEQUENCES: Final = "select partition, last_sequence from registration.partition"
EVENTS: Final = (
    "select partition, sequence, id::text, value from registration.event order by partition, sequence"
)
ALERTS: Final = """
select alert.id::text, alert.recipient, latch.rule, latch.scope, latch.region, latch.threshold,
    message.channel, message.state
from notifier.alert
join notifier.latch on latch.id = latch_id
join notifier.message on message.id = message_id
"""


@asynccontextmanager
async def _connected(world: World) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(world.databases.admin)
    try:
        yield connection
    finally:
        await connection.close()


async def read_stored(world: World) -> Stored:
    """Read the database."""
    async with _connected(world) as database:
        events = await database.fetch(EVENTS)
        return Stored(
            participants={
                row["id"]: Participant(
                    row["region"],
                    row["revision"],
                    row["standing"],
                    tuple(sorted(row["steps"])),
                    row["import_id"] is not None,
                )
                for row in await database.fetch(PARTICIPANTS)
            },
            last_sequences={row[0]: row[1] for row in await database.fetch(LAST_SEQUENCES)},
            events={(row["partition"], row["sequence"]): row["id"] for row in events},
            values=_by_partition(events),
            tallies={(row[0], row[1], row[2]): row[3] for row in await database.fetch(TALLIES)},
            quarantined=await database.fetchval("select count(*) from aggregator.quarantine"),
            latches=[dict(row) for row in await database.fetch("select * from notifier.latch")],
            alerts=[dict(row) for row in await database.fetch(ALERTS)],
        )


def _by_partition(events: Iterable[asyncpg.Record]) -> dict[int, list[str]]:
    values: dict[int, list[str]] = {partition: [] for partition in range(PARTITIONS)}
    for row in events:
        values[row["partition"]].append(row["value"])
    return values


async def open_alerts(world: World) -> int:
    """How many messages are still to be delivered."""
    async with _connected(world) as database:
        count: int = await database.fetchval(
            "select count(*) from notifier.message where state <> 'delivered'"
        )
        return count


async def read_topics(world: World) -> Mapping[str, Topic]:
    """Read every topic from the first record that is there."""
    topics = listed_topics(contract_path("topics.yaml"))
    return {topic.name: await _read_topic(world, topic.name, topic.partitions) for topic in topics}


async def _read_topic(world: World, name: str, count: int) -> Topic:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=world.topics.bootstrap_servers,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 << 20,
    )
    await consumer.start()
    topic = Topic()
    try:
        wire = world.topics.name(name)
        partitions = [TopicPartition(wire, one) for one in range(count)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            found = await consumer.getmany(timeout_ms=SILENCE_MS)
            for partition, records in found.items():
                topic.values.setdefault(partition.partition, []).extend(record.value for record in records)
    finally:
        await consumer.stop()
    return topic

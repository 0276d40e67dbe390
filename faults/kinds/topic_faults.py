"""Faults of topics: foreign, unreadable and aborted records, compaction, topics created again."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewPartitions, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from aggregator.domain.event_fold import PARTITIONS
from aggregator.tallies.quarantine_resolution import ResolutionOutcome, apply_event
from deploy.topics import Topic, create_topics, read_topics
from faults.fault import Fault, Inject
from faults.kinds.process_faults import instances
from faults.kinds.store_faults import read_sequences, record_removed
from faults.observation.disk_writes_reader import count_records
from faults.observation.evidence import read_topic
from faults.running_system.system_under_test import SystemUnderTest
from kafka.topic_reader import end_offset, open_reader
from settings.contract_files import contract_path
from tests.support.deadlines import until

EVENTS: Final = "participant-events"
CUTS: Final = "region-counts"
NEWEST_EVENTS: Final = """
select distinct on (partition) partition, value from registration.event order by partition, sequence desc
"""
WAITING_EVENTS: Final = """
select partition, sequence, value from registration.event join registration.partition using (partition)
where sequence > published and sequence <= published + $1 order by partition, sequence
"""
QUARANTINED: Final = """
select partition, event_sequence from aggregator.quarantine join aggregator.live using (epoch)
where state = 'quarantined' and event_sequence is not null
"""
EVENT: Final = "select value from registration.event where partition = $1 and sequence = $2"
UNREADABLE_MIN: Final = 1_200
"""An audit must also work with more quarantined events than a change record names at most."""
PER_PARTITION: Final = UNREADABLE_MIN // PARTITIONS
GATHERED_S_MAX: Final = 60.0
QUARANTINED_S: Final = 8.0
TOPIC_S_MAX: Final = 60.0
COMPACTED_S_MAX: Final = 60.0
COMPACTION: Final = {
    "segment.ms": "1000",
    "min.cleanable.dirty.ratio": "0.01",
    "max.compaction.lag.ms": "1000",
}
READERS: Final = ("audit", "notifier", "board", "board-2", "relay", "relay-2", "publisher", "publisher-2")


def topic_faults() -> Iterator[Fault]:
    """Yield every fault of this module."""
    kafka, database = frozenset({"kafka"}), frozenset({"database"})
    processes = frozenset({"relay", "worker", "publisher", "audit", "notifier", "board"})
    for kind, name, inject in (
        ("foreign partition", "records in a foreign partition", _write_foreign_records),
        ("aborted transaction", "aborted transaction in the log", _abort_transaction),
    ):
        yield Fault(kind, name, inject, kafka | database, breaks=frozenset())
    yield Fault(
        "many quarantined events",
        f"{UNREADABLE_MIN} events quarantined",
        quarantine_events(QUARANTINED_S),
        kafka | database | {"relay", "worker"},
        breaks=frozenset({"relay", "worker"}),
    )
    yield Fault("topics compacted", "topics compacted, readers killed", _compact, kafka | processes)
    yield Fault(
        "topics created again",
        "all topics deleted and created again",
        _create_again,
        kafka | database | processes,
        breaks=kafka,
    )


@asynccontextmanager
async def _producer(system: SystemUnderTest, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**system.topics.settings().client_options(), **options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def _connected(system: SystemUnderTest) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(**system.databases.admin.asyncpg_options())
    try:
        yield connection
    finally:
        await connection.close()


async def _write_foreign_records(system: SystemUnderTest, _: random.Random) -> int:
    """Write copies of real events to a partition that the register does not have."""
    name = system.topics.name(EVENTS)
    async with system.topics.administration() as admin:
        (described,) = await admin.describe_topics([name])
        if len(described["partitions"]) == PARTITIONS:
            await admin.create_partitions({name: NewPartitions(total_count=PARTITIONS + 1)})
    async with _connected(system) as database, _producer(system) as producer:
        for row in await database.fetch(NEWEST_EVENTS):
            await producer.send_and_wait(name, row["value"].encode(), partition=PARTITIONS)
    return 0


async def _abort_transaction(system: SystemUnderTest, _: random.Random) -> int:
    """Write copies of real events in a transaction, and abort it. Its markers take offsets of their own."""
    name = system.topics.name(EVENTS)
    async with (
        _connected(system) as database,
        _producer(system, transactional_id=f"foreign-{uuid4()}") as producer,
    ):
        await producer.begin_transaction()
        for row in await database.fetch(NEWEST_EVENTS):
            await producer.send_and_wait(name, row["value"].encode(), partition=row["partition"])
            system.resent_max += 1
        await producer.abort_transaction()
    return 0


def quarantine_events(quarantined_s: float) -> Inject:
    """Make workers quarantine many events, and apply these events after `quarantined_s`, as operators do."""

    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        """While no relay runs, write unreadable records in the place of the events that wait for it."""
        async with system.stack.held_down(*instances("relay")), _connected(system) as database:

            async def enough_wait() -> bool:
                published = await read_sequences(system, "published")
                last = await read_sequences(system, "last_sequence")
                return all(last[partition] - at >= PER_PARTITION for partition, at in published.items())

            await until(enough_wait, GATHERED_S_MAX, name="events wait for the relay")
            rows = await database.fetch(WAITING_EVENTS, PER_PARTITION)
            await _write_unreadable(system, rows)
            system.resent_max += len(rows)

            async def all_quarantined() -> bool:
                return len(await database.fetch(QUARANTINED)) >= len(rows)

            await until(all_quarantined, GATHERED_S_MAX, name="the events are quarantined")
        await asyncio.sleep(quarantined_s)
        await _count_quarantined(system)
        return len(instances("relay"))

    return inject


async def _write_unreadable(system: SystemUnderTest, rows: list[asyncpg.Record]) -> None:
    name = system.topics.name(EVENTS)
    async with _producer(system) as producer:
        for row in rows:
            event = json.loads(row["value"])
            event["data"]["before"] = event["data"]["after"] = {"region": None}
            await producer.send(name, json.dumps(event).encode(), partition=row["partition"])
        await producer.flush()


async def _count_quarantined(system: SystemUnderTest) -> None:
    """Apply each quarantined event with its content in the register."""
    async with _connected(system) as database:
        pool = await asyncpg.create_pool(
            **system.databases.aggregator.asyncpg_options(), min_size=1, max_size=1
        )
        try:
            for partition, sequence in await database.fetch(QUARANTINED):
                value = await database.fetchval(EVENT, partition, sequence)
                resolution = await apply_event(pool, partition, sequence, value.encode(), "fault campaign")
                assert resolution.outcome is ResolutionOutcome.APPLIED, resolution
        finally:
            await pool.close()


async def _compact(system: SystemUnderTest, _: random.Random) -> int:
    """Let the broker delete all records that retention and compaction may delete, then kill the readers."""
    compacted = [topic for topic in read_topics(contract_path("topics.yaml")) if _is_compacted(topic)]
    await _configure(system, {topic.name: {**topic.config, **COMPACTION} for topic in compacted})
    try:
        await until(
            lambda: _has_fewer_records(system, "register-state"),
            COMPACTED_S_MAX,
            1,
            name="the broker compacts",
        )
    finally:
        await _configure(system, {topic.name: topic.config for topic in compacted})
    await _delete_old_cuts(system)
    for name in READERS:
        system.stack.kill(name)
    return len(READERS)


def _is_compacted(topic: Topic) -> bool:
    return topic.config.get("cleanup.policy") == "compact"


async def _configure(system: SystemUnderTest, configs: Mapping[str, Mapping[str, str]]) -> None:
    """Replace the topics' settings."""
    async with system.topics.administration() as admin:
        await admin.alter_configs(
            [
                ConfigResource(ConfigResourceType.TOPIC, system.topics.name(name), configs=dict(config))
                for name, config in configs.items()
            ]
        )


async def _has_fewer_records(system: SystemUnderTest, name: str) -> bool:
    """Return whether compaction has deleted records: then a topic has offsets without a record."""
    records = await read_topic(system, name, 1)
    return len(records.values.get(0, [])) < await end_offset(system.topics.settings(), name) // 2


async def _delete_old_cuts(system: SystemUnderTest) -> None:
    """Delete the cuts before the newest full record, as retention does with those of the day before."""
    async with open_reader(system.topics.settings(), CUTS) as topic:
        first, _ = (await topic.bounds())[0]
    values = (await read_topic(system, CUTS, 1)).values[0]
    full_offset = json.loads(values[-1] or b"")["full_offset"]
    if full_offset > first:
        async with system.topics.administration() as admin:
            partition = TopicPartition(system.topics.name(CUTS), 0)
            await admin.delete_records({partition: RecordsToDelete(before_offset=full_offset)})
        system.removed_cuts += [value for value in values[: full_offset - first] if value]


async def _create_again(system: SystemUnderTest, _: random.Random) -> int:
    """Delete all topics and create them again, as after the loss of Kafka. No publisher runs meanwhile."""
    topics = read_topics(contract_path("topics.yaml"))
    names = [system.topics.name(topic.name) for topic in topics]
    async with system.stack.held_down(*instances("publisher")):
        values = (await read_topic(system, CUTS, 1)).values[0]
        system.removed_cuts += [value for value in values if value]
        system.written_before += (await count_records(system))[0]
        async with system.topics.administration() as admin:
            await admin.delete_topics(names)

            async def are_gone() -> bool:
                return not set(names) & set(await admin.list_topics())

            await until(are_gone, TOPIC_S_MAX, name="the topics are deleted")
        await create_topics(system.topics.settings(), topics, replication=len(system.cluster.brokers))
        await record_removed(system, above=dict.fromkeys(range(PARTITIONS), 0))
        system.resent_max += sum((await read_sequences(system, "last_sequence")).values())
    return len(instances("publisher"))

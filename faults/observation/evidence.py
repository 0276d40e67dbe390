"""Reads the evidence after the last fault: register, tallies and alerts from the database, and all topics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from aggregator.domain.event_fold import PARTITIONS
from deploy.topics import read_topics as read_topic_list
from faults.running_system.system_under_test import SystemUnderTest
from settings.contract_files import contract_path

POLL_MS: Final = 1_000


@dataclass(frozen=True)
class Participant:
    """A participant in the register, without personal data."""

    region: str
    revision: int
    standing: str
    steps: tuple[str, ...]
    imported: bool


@dataclass
class DatabaseContents:
    """The rows of the register, the aggregator and the notifier that the invariants check."""

    participants: dict[str, Participant]
    last_sequences: dict[int, int]
    events: dict[tuple[int, int], str]
    """The event ids by (partition, sequence)."""
    values: dict[int, list[str]]
    """By partition, the record values of the events in the order of their sequences."""
    tallies: dict[tuple[str, str, str], int]
    quarantined: int
    latches: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    attempts: dict[str, list[str]]
    """By message id, the reasons with which its attempts ended; `open` for an open attempt."""
    kept_cut: str
    """The id of the cut at which the newest minute ended."""
    kept_cut_age_s: float
    day_start: tuple[int, ...]
    """The positions of the register at the start of the day in Jakarta."""


@dataclass
class TopicRecords:
    """The record values of one topic, by partition, in offset order, from the first available offset."""

    values: dict[int, list[bytes | None]] = field(default_factory=dict)
    keys: dict[int, list[bytes | None]] = field(default_factory=dict)

    def newest(self) -> dict[bytes | None, bytes | None]:
        """Return the newest value of each key of partition 0."""
        return dict(zip(self.keys.get(0, []), self.values.get(0, []), strict=True))


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
    message.channel, message.state, message.id::text as message, message.created_at
from notifier.alert
join notifier.latch on latch.id = latch_id
join notifier.message on message.id = message_id
"""
ATTEMPTS: Final = """
select message_id::text, array_agg(case when ended_at is null then 'open' else reason end)
from notifier.attempt
group by message_id
"""
QUARANTINED: Final = """
select count(*) from aggregator.quarantine join aggregator.live using (epoch) where state <> 'applied'
"""
KEPT_CUT: Final = "select cut, extract(epoch from now() - ends_at)::float as age_s from aggregator.kept_cut"
DAY_START: Final = """
select coalesce(max(sequence) filter (where recorded_at < date_trunc('day', now(), 'Asia/Jakarta')), 0)
from registration.partition left join registration.event using (partition)
group by partition order by partition
"""


@asynccontextmanager
async def _connected(system: SystemUnderTest) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(**system.databases.admin.asyncpg_options())
    try:
        yield connection
    finally:
        await connection.close()


async def read_database(system: SystemUnderTest) -> DatabaseContents:
    """Read all rows that the invariants check, as the superuser."""
    async with _connected(system) as database:
        events = await database.fetch(EVENTS)
        kept = await database.fetchrow(KEPT_CUT)
        assert kept is not None, "the migration inserts the only row"
        return DatabaseContents(
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
            quarantined=await database.fetchval(QUARANTINED),
            latches=[dict(row) for row in await database.fetch("select * from notifier.latch")],
            alerts=[dict(row) for row in await database.fetch(ALERTS)],
            attempts={row[0]: row[1] for row in await database.fetch(ATTEMPTS)},
            kept_cut=kept["cut"],
            kept_cut_age_s=kept["age_s"],
            day_start=tuple(row[0] for row in await database.fetch(DAY_START)),
        )


def _by_partition(events: Iterable[asyncpg.Record]) -> dict[int, list[str]]:
    values: dict[int, list[str]] = {partition: [] for partition in range(PARTITIONS)}
    for row in events:
        values[row["partition"]].append(row["value"])
    return values


async def count_undelivered(system: SystemUnderTest) -> int:
    """Return the number of messages that are not delivered yet, or are dead."""
    async with _connected(system) as database:
        count: int = await database.fetchval(
            "select count(*) from notifier.message where state not in ('delivered', 'unconfirmed')"
        )
        return count


async def read_topics(system: SystemUnderTest) -> Mapping[str, TopicRecords]:
    """Read every topic of the contract from the first offset still available.

    The records of region-counts that a fault removed precede those that the topic still has.
    """
    topics = read_topic_list(contract_path("topics.yaml"))
    found = {topic.name: await read_topic(system, topic.name, topic.partitions) for topic in topics}
    found["region-counts"].values[0] = [*system.removed_cuts, *found["region-counts"].values.get(0, [])]
    return found


async def read_topic(system: SystemUnderTest, name: str, count: int) -> TopicRecords:
    """Read the first `count` partitions of a topic."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=system.topics.bootstrap_servers,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 << 20,
    )
    await consumer.start()
    topic = TopicRecords()
    try:
        full_name = system.topics.name(name)
        partitions = [TopicPartition(full_name, partition) for partition in range(count)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            found = await consumer.getmany(timeout_ms=POLL_MS)
            for partition, records in found.items():
                topic.values.setdefault(partition.partition, []).extend(record.value for record in records)
                topic.keys.setdefault(partition.partition, []).extend(record.key for record in records)
    finally:
        await consumer.stop()
    return topic

"""The compared counters: the aggregator, a stock Faust Table and Kafka Streams, with two processes each."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from aggregator.domain.event_fold import PARTITIONS
from bench.rivals import rival_measurement
from tests.support.postgres_server import Databases
from tests.support.stack import Stack
from tests.support.topic_prefixes import Topics

WORKERS: Final = ("worker", "worker-2")
POLL_MS: Final = 2_000
NO_LIMIT: Final = "1000000000000"
AGGREGATOR_COUNTS: Final = """
select region, count from aggregator.tally join aggregator.live using (set_id)
where scope = 'all' and measure = 'registered' and length(region) = 13
"""

ReadCount = Callable[[bytes], int]
"""Decodes a count from the bytes that a counter stores."""


class ComparedCounter(Protocol):
    """A program of two processes that counts the events of one topic."""

    name: str

    async def start(self) -> None:
        """Start both processes."""

    def kill(self, number: int) -> None:
        """Kill one of the two processes (0 or 1) with SIGKILL, and restart it at once."""

    async def counts(self) -> Counter[str]:
        """Return the stored counts by kelurahan."""

    async def close(self) -> None:
        """End both processes."""


class AggregatorCounter:
    """The aggregator's workers, whose counts are read from PostgreSQL."""

    name = "our aggregator"

    def __init__(self, stack: Stack, databases: Databases) -> None:
        self._stack = stack
        self._databases = databases

    async def start(self) -> None:
        """See `ComparedCounter`."""
        await self._stack.start(*WORKERS)
        self._stack.keep_running(*WORKERS)

    def kill(self, number: int) -> None:
        """See `ComparedCounter`."""
        self._stack.kill(WORKERS[number])

    async def counts(self) -> Counter[str]:
        """See `ComparedCounter`."""
        connection = await asyncpg.connect(**self._databases.admin.asyncpg_options())
        try:
            return Counter({row[0]: row[1] for row in await connection.fetch(AGGREGATOR_COUNTS)})
        finally:
            await connection.close()

    async def close(self) -> None:
        """See `ComparedCounter`."""
        await self._stack.close()


class RivalCounter:
    """A counter of `bench/rivals`, whose counts are read from the changelog topic of its store."""

    def __init__(
        self, name: str, command: Sequence[str], read_count: ReadCount, topics: Topics, folder: Path
    ) -> None:
        self.name = name
        self._command = tuple(command)
        self._read_count = read_count
        self._topics = topics
        self._folder = folder
        self._group = f"{topics.prefix}{name.replace(' ', '-').lower()}"
        self._processes: list[subprocess.Popen[bytes]] = []

    async def start(self) -> None:
        """See `ComparedCounter`."""
        self._processes = [self._launch(number) for number in (0, 1)]

    def _launch(self, number: int) -> subprocess.Popen[bytes]:
        folder = self._folder / f"{self._group}-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "BENCH_SERVERS": self._topics.bootstrap_servers,
            "BENCH_TOPIC": self._topics.name("participant-events"),
            "BENCH_GROUP": self._group,
            "BENCH_FOLDER": str(folder),
            "BENCH_EVENTS": NO_LIMIT,  # so that the program does not end by itself after so many events
        }
        with folder.with_suffix(".log").open("ab") as log:
            return subprocess.Popen(
                self._command, env=environment, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def kill(self, number: int) -> None:
        """See `ComparedCounter`."""
        self._end(number)
        self._processes[number] = self._launch(number)

    def _end(self, number: int) -> None:
        self._processes[number].kill()
        self._processes[number].wait(10)

    async def counts(self) -> Counter[str]:
        """See `ComparedCounter`. A kelurahan's count is the sum of its last value in each partition."""
        topic = f"{self._group}-counts-changelog"
        if not await self._exists(topic):
            return Counter()
        held: dict[tuple[int, bytes], bytes | None] = {}
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._topics.bootstrap_servers,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
            consumer.assign(partitions)
            await consumer.end_offsets(partitions)  # afterwards the consumer knows the partitions' leaders
            # Read until nothing arrives. Comparing with the end offset would not do, because the consumer's
            # offset may stop before it, at a transaction marker.
            while found := await consumer.getmany(timeout_ms=POLL_MS):
                for partition, records in found.items():
                    held |= {(partition.partition, record.key): record.value for record in records}
        finally:
            await consumer.stop()
        totals: Counter[str] = Counter()
        for (_, key), value in held.items():
            totals[_text(key).partition("|")[0]] += 0 if value is None else self._read_count(value)
        return totals

    async def _exists(self, topic: str) -> bool:
        async with self._topics.administration() as admin:
            return topic in await admin.list_topics()

    async def close(self) -> None:
        """See `ComparedCounter`."""
        await asyncio.gather(
            *(asyncio.to_thread(self._end, number) for number in range(len(self._processes)))
        )


def _text(key: bytes) -> str:
    """Decode a record key of the changelog, which is either plain text or JSON."""
    text = key.decode()
    return str(json.loads(text)) if text.startswith('"') else text


def faust_table(topics: Topics, folder: Path) -> RivalCounter:
    """Return a counter that has a Faust agent and a Faust table, as in Faust's documentation."""
    return RivalCounter(
        "stock Faust Table",
        rival_measurement.python("faust_counter"),
        lambda value: int(json.loads(value)),
        topics,
        folder,
    )


def streams(topics: Topics, folder: Path) -> RivalCounter:
    """Return a counter that is a Kafka Streams processor with exactly_once_v2."""
    command = rival_measurement.streams("processor")
    return RivalCounter(
        "Kafka Streams", command, lambda value: int.from_bytes(value, "big", signed=True), topics, folder
    )

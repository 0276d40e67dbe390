"""Three counters of the same events, two processes each, and what each says that it has counted."""

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

from aggregator.domain.counting import PARTITIONS
from bench.rivals import rival_process
from tests.support.databases import Databases
from tests.support.stack import Stack
from tests.support.topics import Topics

WORKERS: Final = ("worker", "worker-2")
SILENCE_MS: Final = 2_000
ENDLESS: Final = "1000000000000"
OURS: Final = """
select region, count from aggregator.tally join aggregator.live using (set_id)
where scope = 'all' and measure = 'registered' and length(region) = 13
"""

Number = Callable[[bytes], int]
"""Reads a count as a counter stores it."""


class Contestant(Protocol):
    """Two processes that count one topic."""

    name: str

    async def start(self) -> None:
        """Start both."""

    def kill(self, number: int) -> None:
        """Kill -9 one of the two (0 or 1); it is started again at once."""

    async def counts(self) -> Counter[str]:
        """What is durably counted, by kelurahan."""

    async def close(self) -> None:
        """End both."""


class Ours:
    """The aggregator's workers, with their counts in PostgreSQL."""

    name = "our aggregator"

    def __init__(self, stack: Stack, databases: Databases) -> None:
        self._stack = stack
        self._databases = databases

    async def start(self) -> None:
        """See `Contestant`."""
        await self._stack.start(*WORKERS)
        self._stack.keep_running(*WORKERS)

    def kill(self, number: int) -> None:
        """See `Contestant`."""
        self._stack.kill(WORKERS[number])

    async def counts(self) -> Counter[str]:
        """See `Contestant`."""
        connection = await asyncpg.connect(self._databases.admin)
        try:
            return Counter({row[0]: row[1] for row in await connection.fetch(OURS)})
        finally:
            await connection.close()

    async def close(self) -> None:
        """See `Contestant`."""
        await self._stack.close()


class Stock:
    """A counter of `bench/rivals`, with its counts in the changelog of its store."""

    def __init__(
        self, name: str, command: Sequence[str], number: Number, topics: Topics, folder: Path
    ) -> None:
        self.name = name
        self._command = tuple(command)
        self._number = number
        self._topics = topics
        self._folder = folder
        self._group = f"{topics.prefix}{name.replace(' ', '-').lower()}"
        self._processes: list[subprocess.Popen[bytes]] = []

    async def start(self) -> None:
        """See `Contestant`."""
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
            "BENCH_EVENTS": ENDLESS,  # it is not to end by itself
        }
        with folder.with_suffix(".log").open("ab") as log:
            return subprocess.Popen(
                self._command, env=environment, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def kill(self, number: int) -> None:
        """See `Contestant`."""
        self._end(number)
        self._processes[number] = self._launch(number)

    def _end(self, number: int) -> None:
        self._processes[number].kill()
        self._processes[number].wait(10)

    async def counts(self) -> Counter[str]:
        """See `Contestant`: the last value of each key in each partition of the changelog."""
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
            partitions = [TopicPartition(topic, one) for one in range(PARTITIONS)]
            consumer.assign(partitions)
            await consumer.end_offsets(partitions)  # the partitions' leaders are known from here on
            # To the first silence: a transaction's end is no record, and positions stop before it.
            while found := await consumer.getmany(timeout_ms=SILENCE_MS):
                for partition, records in found.items():
                    held |= {(partition.partition, record.key): record.value for record in records}
        finally:
            await consumer.stop()
        totals: Counter[str] = Counter()
        for (_, key), value in held.items():
            totals[_text(key).partition("|")[0]] += 0 if value is None else self._number(value)
        return totals

    async def _exists(self, topic: str) -> bool:
        async with self._topics.administration() as admin:
            return topic in await admin.list_topics()

    async def close(self) -> None:
        """See `Contestant`."""
        await asyncio.gather(
            *(asyncio.to_thread(self._end, number) for number in range(len(self._processes)))
        )


def _text(key: bytes) -> str:
    """A key as it was, whether stored bare or as JSON."""
    text = key.decode()
    return str(json.loads(text)) if text.startswith('"') else text


def faust_table(topics: Topics, folder: Path) -> Stock:
    """An agent and a table, as Faust's documents show them."""
    return Stock(
        "stock Faust Table",
        rival_process.python("faust_counter"),
        lambda value: int(json.loads(value)),
        topics,
        folder,
    )


def streams(topics: Topics, folder: Path) -> Stock:
    """A Kafka Streams processor with exactly_once_v2."""
    command = rival_process.streams("processor")
    return Stock(
        "Kafka Streams", command, lambda value: int.from_bytes(value, "big", signed=True), topics, folder
    )

"""Makes a backlog of contract events, and the truth of what it comes to. The same seed, the same events."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from aiokafka import AIOKafkaProducer

from aggregator.domain.counting import PARTITIONS
from settings.contract_files import contract_path
from settings.kafka import KafkaSettings

BATCH_BYTES: Final = 512 * 1024
AGENCIES: Final = ("ppkukm", "ppapp", "parekraf", "dkpkp", "nakertrans")
CAMPAIGN: Final = "fest-2021"
TEMPLATE: Final = (
    '{"specversion":"1.0","id":"%s","source":"/registration","type":"id.jakpreneur.participant.registered.v1",'
    '"subject":"%s","time":"%s","datacontenttype":"application/json","partition":%d,"sequence":%d,'
    '"data":{"revision":1,"before":null,"after":{"region":"%s","agency":"%s","campaign":"%s","steps":[]},'
    '"occurred_at":"2021-10-24T19:04:58+07:00","channel":"booth"}}'
)


@dataclass
class Backlog:
    """A topic filled with events, and what a right count of it says."""

    settings: KafkaSettings
    events: int
    bytes_mean: float = 0.0
    truth: Counter[str] = field(default_factory=Counter)
    """By "region|agency|campaign"."""

    @property
    def topic(self) -> str:
        return self.settings.topic("participant-events")


@dataclass
class Source:
    """Registrations, spread over kelurahan, agencies and a campaign; counts what it gives out."""

    regions: Sequence[str]
    time_text: str
    agencies: Sequence[str] = AGENCIES
    sequences: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    truth: Counter[str] = field(default_factory=Counter)
    choose: random.Random = field(default_factory=lambda: random.Random(11))

    def values(self, partition: int, count: int) -> Iterator[tuple[bytes, bytes]]:
        """The next events of a partition: key and value."""
        choose = self.choose
        for _ in range(count):
            self.sequences[partition] += 1
            region, agency = choose.choice(self.regions), choose.choice(self.agencies)
            self.truth[f"{region}|{agency}|{CAMPAIGN}"] += 1
            subject = str(UUID(int=choose.getrandbits(128)))
            value = TEMPLATE % (
                UUID(int=choose.getrandbits(128)),
                subject,
                self.time_text,
                partition,
                self.sequences[partition],
                region,
                agency,
                CAMPAIGN,
            )
            yield subject.encode(), value.encode()


def source(regions: Sequence[str] = (), agencies: Sequence[str] = AGENCIES) -> Source:
    """One over these kelurahan, or all of the contract; its events are of now, so that minutes count too."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return Source(regions or kelurahan(), now, agencies)


def kelurahan() -> list[str]:
    """All of the contract."""
    codes = [line.split(",")[0] for line in contract_path("regions.csv").read_text("utf-8").splitlines()]
    return [code for code in codes if len(code) == len("31.71.01.1001")]


async def fill(settings: KafkaSettings, events: int, made: Source | None = None) -> Backlog:
    """Write so many events (rounded down to the same number per partition), in batches as the relay does."""
    made = made or source()
    per_partition = events // PARTITIONS
    size = 0
    producer = AIOKafkaProducer(
        **settings.client_options(), compression_type="lz4", max_batch_size=BATCH_BYTES
    )
    await producer.start()
    try:
        topic = settings.topic("participant-events")
        for partition in range(PARTITIONS):
            size += await _fill_partition(producer, topic, partition, made.values(partition, per_partition))
    finally:
        await producer.stop()
    return Backlog(
        settings, per_partition * PARTITIONS, size / max(1, per_partition * PARTITIONS), made.truth
    )


async def _fill_partition(
    producer: AIOKafkaProducer, topic: str, partition: int, events: Iterable[tuple[bytes, bytes]]
) -> int:
    """Send the events in full batches; returns the bytes of their values."""
    size = 0
    sent: list[asyncio.Future[object]] = []
    batch = producer.create_batch()
    for key, value in events:
        size += len(value)
        if batch.append(key=key, value=value, timestamp=None) is None:
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None)
    sent.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*sent)
    return size

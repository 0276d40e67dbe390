"""Counts with the least possible work in Python: aiokafka's `getmany`, msgspec, and sums in memory only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.rivals.event_decoder import Standing, decode
from bench.rivals.throughput_report import EVENTS, SERVERS, TOPIC, Progress

PARTITIONS: Final = 12
FETCH_BYTES_MAX: Final = 8 << 20
RECORDS_MAX: Final = 50_000


async def read() -> None:
    """Count the whole topic, report the counts, and wait until the measurement ends this process."""
    counts: dict[Standing, int] = {}
    progress = Progress(lambda: {standing.key: count for standing, count in counts.items()})
    consumer = AIOKafkaConsumer(
        bootstrap_servers=SERVERS,
        group_id=None,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES_MAX,
        max_poll_records=RECORDS_MAX,
    )
    await consumer.start()
    consumer.assign([TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)])
    try:
        is_complete = EVENTS == 0
        while not is_complete:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                _count(records, counts)
                is_complete = progress.add(len(records))
    finally:
        await consumer.stop()
    await asyncio.Event().wait()


def _count(records: Iterable[Any], counts: dict[Standing, int]) -> None:
    for record in records:
        change = decode(record.value).data
        if change.before is not None:
            counts[change.before] = counts.get(change.before, 0) - 1
        if change.after is not None:
            counts[change.after] = counts.get(change.after, 0) + 1


if __name__ == "__main__":
    uvloop.run(read())

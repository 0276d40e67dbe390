"""Sends a file of events with aiokafka's `send_batch` (idempotent) to all partitions concurrently.

Run as `python aiokafka_producer.py SERVERS TOPIC FILE`. Each line of the file is a partition, a key and a
value separated by tabs. All events are in memory before the clock starts. The program prints JSON
with "events" and "seconds".
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

import uvloop
from aiokafka import AIOKafkaProducer

BATCH_BYTES_MAX: Final = 900_000


async def main(servers: str, topic: str, file: Path) -> None:
    """Send all events of the file and print the result."""
    events: dict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
    for line in file.read_bytes().splitlines():
        partition, key, value = line.split(b"\t")
        events[int(partition)].append((key, value))
    producer = AIOKafkaProducer(
        bootstrap_servers=servers,
        enable_idempotence=True,
        compression_type="lz4",
        max_batch_size=BATCH_BYTES_MAX,
    )
    await producer.start()
    began_s = time.monotonic()
    try:
        await asyncio.gather(*(send(producer, topic, *item) for item in events.items()))
    finally:
        await producer.stop()
    result = {"events": sum(map(len, events.values())), "seconds": time.monotonic() - began_s}
    sys.stdout.write(json.dumps(result) + "\n")


async def send(
    producer: AIOKafkaProducer, topic: str, partition: int, events: list[tuple[bytes, bytes]]
) -> None:
    """Send the events of one partition, one batch after the other."""
    batch = producer.create_batch()
    for key, value in events:
        if batch.append(timestamp=None, key=key, value=value) is None:
            await (await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value)
    await (await producer.send_batch(batch, topic, partition=partition))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))

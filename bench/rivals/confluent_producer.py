"""Sends a file of events with confluent-kafka; arguments and output are those of `aiokafka_producer.py`.

It runs in the virtual environment that `make rivals` creates.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from confluent_kafka import Producer


def main(servers: str, topic: str, file: Path) -> None:
    """Send all events of the file and print the result."""
    events = [line.split(b"\t") for line in file.read_bytes().splitlines()]
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 5,
            "queue.buffering.max.messages": 500_000,
        }
    )
    began_s = time.monotonic()
    for partition, key, value in events:
        while True:
            try:
                producer.produce(topic, value, key, int(partition))
                break
            except BufferError:  # the producer's queue is full
                producer.poll(0.1)
    producer.flush()
    sys.stdout.write(json.dumps({"events": len(events), "seconds": time.monotonic() - began_s}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))

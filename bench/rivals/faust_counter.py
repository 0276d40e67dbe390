"""Counts events as Faust's documentation shows: an agent adds each event to a table.

With the argument `untabled` the agent adds to a dictionary, which is not durable. So only the agent's
own cost is measured.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import MutableMapping
from typing import Any, Final

import faust

from bench.rivals.event_decoder import decode
from bench.rivals.throughput_report import FOLDER, GROUP, SERVERS, TOPIC, Progress

PARTITIONS: Final = 12


def build(*, tabled: bool) -> faust.App:
    """Return the app. Its table is in memory, with a changelog topic in Kafka."""
    app = faust.App(
        GROUP,
        broker=f"kafka://{SERVERS}",
        store="memory://",
        datadir=FOLDER,
        web_enabled=False,
        topic_partitions=PARTITIONS,
        consumer_auto_offset_reset="earliest",
        # With the defaults Faust is half as fast, because partitions pause when the stream's buffer is full
        # and each change of the table is sent alone.
        stream_buffer_maxsize=200_000,
        broker_max_poll_records=5_000,
        consumer_max_fetch_size=4 << 20,
        producer_linger=0.05,
    )
    events = app.topic(TOPIC, value_serializer="raw", key_serializer="raw", partitions=PARTITIONS)
    counts: MutableMapping[str, int] = Counter()
    if tabled:
        counts = app.Table("counts", default=int, partitions=PARTITIONS)
    progress = Progress(lambda: dict(counts.items()))

    @app.agent(events)
    async def count(stream: Any) -> None:
        async for value in stream:
            change = decode(value).data
            if change.before is not None:
                counts[change.before.key] -= 1
            if change.after is not None:
                counts[change.after.key] += 1
            progress.add(1)

    return app


if __name__ == "__main__":
    logging.disable(logging.INFO)  # at INFO, Faust creates and drops two log records per event
    worker = faust.Worker(build(tabled="untabled" not in sys.argv), loglevel="WARNING")
    worker.execute_from_commandline()

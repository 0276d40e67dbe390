"""What the newest record of region-counts says: a publisher that takes over goes on from there."""

from __future__ import annotations

from typing import Final

from cuts.records import UndecodableRecordError, decode_cut
from cuts.topic_log import open_topic_log
from settings.kafka import KafkaSettings

POLL_S: Final = 5.0
LOOK_BACK_RECORDS: Final = 50


async def last_cut(kafka: KafkaSettings) -> tuple[int, int] | None:
    """The highest (term, cut) among the newest records, None where the topic is empty. Raises KafkaError."""
    async with open_topic_log(kafka, "region-counts") as topic:
        first, end = await topic.bounds()
        start = max(first, end - LOOK_BACK_RECORDS)
        highest: tuple[int, int] | None = None
        topic.seek(start)
        while start < end:
            records = await topic.poll(POLL_S)
            if not records:
                break
            for record in records:
                start = record.offset + 1
                try:
                    cut = decode_cut(record.value)
                except UndecodableRecordError:
                    continue
                highest = max(highest or (0, 0), cut.version)
        return highest

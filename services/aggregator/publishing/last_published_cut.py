"""Reads term and number of the newest cut in region-counts, from which a new leader continues."""

from __future__ import annotations

from typing import Final

from cuts.records import UndecodableRecordError, decode_cut
from cuts.topic_log import opened
from settings.kafka import KafkaSettings

POLL_S: Final = 5.0
NEWEST_RECORDS: Final = 50


async def last_cut(kafka: KafkaSettings) -> tuple[int, int] | None:
    """Return the highest (term, cut) of the newest records; None if the topic is empty. Raises KafkaError."""
    async with opened(kafka, "region-counts") as topic:
        first, end = await topic.bounds()
        next_offset = max(first, end - NEWEST_RECORDS)
        highest: tuple[int, int] | None = None
        topic.seek(next_offset)
        while next_offset < end:
            records = await topic.poll(POLL_S)
            if not records:
                break
            for record in records:
                next_offset = record.offset + 1
                try:
                    cut = decode_cut(record.value)
                except UndecodableRecordError:
                    continue
                highest = max(highest or (0, 0), cut.version)
        return highest

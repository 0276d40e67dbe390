"""Reads the term and number of the newest cut in region-counts, so that a new leader can continue from it."""

from __future__ import annotations

from typing import Final

from cuts.records import UndecodableRecordError, decode_cut
from cuts.single_partition_reader import open_topic_log
from settings.kafka import KafkaSettings

Version = tuple[int, int]
"""(term, cut)"""

POLL_S: Final = 5.0
NEWEST_RECORDS: Final = 50


async def last_cut(kafka: KafkaSettings) -> Version | None:
    """Return the highest (term, cut) of the newest NEWEST_RECORDS records. Raises KafkaError.

    Returns None if the topic is empty, or if all these records are undecodable.
    """
    async with open_topic_log(kafka, "region-counts") as topic:
        first, end = await topic.bounds()
        next_offset = max(first, end - NEWEST_RECORDS)
        topic.seek(next_offset)
        versions: list[Version] = []
        while next_offset < end and (records := await topic.poll(POLL_S)):
            next_offset = records[-1].offset + 1
            versions += [version for record in records if (version := _version(record.value)) is not None]
        return max(versions, default=None)


def _version(value: bytes) -> Version | None:
    """Decode the (term, cut) of a record; None if the record is undecodable."""
    try:
        return decode_cut(value).version
    except UndecodableRecordError:
        return None

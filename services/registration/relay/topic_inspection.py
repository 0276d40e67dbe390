"""Reads from the topic which events of stalled partitions it has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from kafka.settings import KafkaSettings
from kafka.topic_reader import ANSWER_S_MAX, TopicReader, open_reader
from registration.relay.outbox_source import TOPIC
from registration.relay.stall_cause import InspectedPartition, Stall, first_offset_read
from registration.relay.topic_divergence import decode_record, highest_events

INSPECTION_S_MAX: Final = 60.0


class TopicInspector:
    """Reads the newest `records_back` records of stalled partitions, and the records that workers read next.

    Usually the first of these records is the next event. If it is missing, all of them are read.
    """

    def __init__(self, kafka: KafkaSettings, records_back: int) -> None:
        self._kafka = kafka
        self._records_back = records_back

    async def inspect(self, stalls: Sequence[Stall]) -> Mapping[int, InspectedPartition]:
        """Inspect the partitions of some stalls.

        Raises KafkaError, or TimeoutError after INSPECTION_S_MAX seconds.
        """
        partitions = [stall.partition for stall in stalls]
        async with (
            asyncio.timeout(INSPECTION_S_MAX),
            open_reader(self._kafka, TOPIC, partitions) as reader,
        ):
            bounds = await reader.bounds()
            spans = {partition: (end - self._records_back, end) for partition, (_, end) in bounds.items()}
            highest = highest_events(await reader.read(spans))
            with_next = await _partitions_with_next(reader, stalls, bounds)
        return {
            partition: InspectedPartition(
                partition in with_next, highest[partition].sequence if partition in highest else 0
            )
            for partition in partitions
        }


async def _partitions_with_next(
    reader: TopicReader, stalls: Sequence[Stall], bounds: Mapping[int, tuple[int, int]]
) -> set[int]:
    """Return the partitions in which workers will read the event after the position."""
    wanted = {stall.partition: stall.position + 1 for stall in stalls}
    for stall in stalls:
        first, end = bounds[stall.partition]
        reader.seek(first_offset_read(stall, first, end), stall.partition)
    ends = {partition: end for partition, (_, end) in bounds.items()}
    found: set[int] = set()
    while not reader.has_read(ends):
        for partition, records in (await reader.poll(ANSWER_S_MAX)).items():
            events = (decode_record(record.value, partition) for record in records)
            if any(event and event.sequence == wanted[partition] for event in events):
                found.add(partition)
                reader.seek(ends[partition], partition)
    return found

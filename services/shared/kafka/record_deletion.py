"""Deletes all records of a topic's partitions."""

import asyncio
import time
from collections.abc import Iterable
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from kafka.settings import KafkaSettings

HIGH_WATERMARK: Final = -1  # in a DeleteRecords request: delete all records
RETRY_PAUSE_S: Final = 0.5
RETRIED_S_MAX: Final = 30.0


async def delete_all_records(kafka: KafkaSettings, name: str, partitions: Iterable[int]) -> None:
    """Delete every record of topic `name`. Later records continue its offsets. Raises KafkaError.

    Errors that pass are retried: a partition has no leader while its broker restarts or its topic is new.
    """
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    try:
        topic = kafka.topic(name)
        everything = {
            TopicPartition(topic, partition): RecordsToDelete(HIGH_WATERMARK) for partition in partitions
        }
        await _delete(admin, everything)
    finally:
        await admin.close()


async def _delete(admin: AIOKafkaAdminClient, records: dict[TopicPartition, RecordsToDelete]) -> None:
    ends_at_s = time.monotonic() + RETRIED_S_MAX
    while True:
        try:
            await admin.delete_records(records)
        except KafkaError as error:
            if not error.retriable or time.monotonic() > ends_at_s:
                raise
            await asyncio.sleep(RETRY_PAUSE_S)
        else:
            return

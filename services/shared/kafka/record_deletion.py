"""Deletes all records of a topic's partitions."""

from collections.abc import Iterable
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from kafka.settings import KafkaSettings

HIGH_WATERMARK: Final = -1  # in a DeleteRecords request: delete all records


async def delete_all_records(kafka: KafkaSettings, name: str, partitions: Iterable[int]) -> None:
    """Delete every record of topic `name`. Later records continue its offsets. Raises KafkaError."""
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    try:
        topic = kafka.topic(name)
        await admin.delete_records(
            {TopicPartition(topic, partition): RecordsToDelete(HIGH_WATERMARK) for partition in partitions}
        )
    finally:
        await admin.close()

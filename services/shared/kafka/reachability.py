"""Finds out whether a broker answers, on a connection of its own."""

from typing import Final

from aiokafka.client import AIOKafkaClient

from kafka.settings import KafkaSettings

ANSWER_MS_MAX: Final = 2_000


async def ask_broker(kafka: KafkaSettings) -> None:
    """Ask one broker after another for its metadata until one answers. Raises KafkaError if none does."""
    client = AIOKafkaClient(**kafka.client_options(), request_timeout_ms=ANSWER_MS_MAX)
    try:
        await client.bootstrap()
    finally:
        await client.close()

"""Finds out whether a broker answers, on a connection of its own."""

from typing import Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from kafka.connection_fault import find_fault
from kafka.settings import KafkaSettings
from telemetry.health import UnreachableError

ANSWER_MS_MAX: Final = 2_000


async def ask_broker(kafka: KafkaSettings) -> None:
    """Ask one broker after another for its metadata until one answers.

    Raises UnreachableError, whose message is the fault of the first broker and its remedy.
    """
    client = AIOKafkaClient(**kafka.client_options(), request_timeout_ms=ANSWER_MS_MAX)
    try:
        await client.bootstrap()
    except KafkaError as error:
        raise UnreachableError(await find_fault(kafka) or str(error)) from error
    finally:
        await client.close()

"""The contract's topics under a prefix for each test, so that tests can share a broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient

from deploy.topics import create_topics, read_topics
from kafka.record_deletion import delete_all_records
from kafka.settings import KafkaSettings
from settings.contract_files import contract_path

DELETION_S_MAX: Final = 60.0


@dataclass(frozen=True)
class Topics:
    """All topics of the contract. A topic's full name is `prefix` followed by its name in the contract."""

    bootstrap_servers: str
    prefix: str

    def name(self, topic: str) -> str:
        """Return a topic's full name."""
        return self.prefix + topic

    def settings(self) -> KafkaSettings:
        """Return the settings of the services' Kafka clients."""
        return KafkaSettings(bootstrap_servers=self.bootstrap_servers, topic_prefix=self.prefix)

    def environment(self) -> dict[str, str]:
        """Return the same settings as environment variables of a process."""
        return {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers, "KAFKA_TOPIC_PREFIX": self.prefix}

    async def create(self) -> None:
        """Create all topics."""
        await create_topics(self.settings(), read_topics(contract_path("topics.yaml")), wait_s=120.0)

    @asynccontextmanager
    async def administration(self) -> AsyncIterator[AIOKafkaAdminClient]:
        """Open an admin client, which can delete topics and records."""
        admin = AIOKafkaAdminClient(**self.settings().client_options())
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    async def create_again(self, topic: str) -> None:
        """Delete a topic and create it again, empty."""
        async with self.administration() as admin:
            await admin.delete_topics([self.name(topic)])
            async with asyncio.timeout(DELETION_S_MAX):
                while self.name(topic) in await admin.list_topics():
                    await asyncio.sleep(0.1)
        await self.create()

    async def empty(self, topic: str, partitions: int) -> None:
        """Delete every record of a topic. Later records continue the offsets of the deleted records."""
        await delete_all_records(self.settings(), topic, range(partitions))

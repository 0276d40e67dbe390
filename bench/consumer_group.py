"""Sees a consumer group from outside: whether it is settled, and what it has committed."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from settings.kafka import KafkaSettings

STABLE: Final = "Stable"


class Group:
    """One group; to be used inside `async with`."""

    def __init__(self, settings: KafkaSettings, name: str) -> None:
        self._admin = AIOKafkaAdminClient(**settings.client_options())
        self._name = name

    async def __aenter__(self) -> Self:
        await self._admin.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._admin.close()

    async def settled(self, members: int) -> bool | None:
        """Whether so many share the partitions and nobody joins or leaves; None where no answer came."""
        try:
            (answer,) = await self._admin.describe_consumer_groups([self._name])
        except KafkaError:
            return None
        _, _, state, _, _, found, *_ = answer.groups[0]
        return str(state) == STABLE and len(found) == members

    async def committed(self, topic: str) -> int:
        """The sum of the offsets committed for a topic."""
        try:
            offsets: dict[Any, Any] = await self._admin.list_consumer_group_offsets(self._name)
        except KafkaError:
            return 0
        return sum(max(0, held.offset) for place, held in offsets.items() if place.topic == topic)

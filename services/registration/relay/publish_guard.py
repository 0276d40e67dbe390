"""Refuses publishing while a recovery is unfinished, or while the topic has events of another register."""

from __future__ import annotations

from typing import Any

import asyncpg

from registration.domain.participant_partition import PARTITIONS
from registration.relay.outbox_source import RECOVERY_UNFINISHED, TOPIC, RegisterEventSource
from registration.relay.topic_divergence import compare, read_tail
from settings.kafka import KafkaSettings
from telemetry.logs import get

log = get()


class TopicGuard:
    """Tells the relay's publisher whether it may publish. Implements `outbox.publisher.Guard`."""

    def __init__(self, pool: asyncpg.Pool[Any], source: RegisterEventSource, kafka: KafkaSettings) -> None:
        self._pool = pool
        self._source = source
        self._kafka = kafka
        self._refused_term: int | None = None

    async def check(self, term: int) -> str | None:
        """Return the reason not to publish in this term; None if publishing is allowed.

        The reason is also stored in the register, where the audit reads it.
        """
        reason = await self._source.refusal()
        if reason != RECOVERY_UNFINISHED:
            reason = await compare(self._pool, await read_tail(self._kafka, TOPIC, PARTITIONS))
        if reason is not None and self._refused_term != term:
            log.error("relay refuses", reason=reason)
        self._refused_term = None if reason is None else term
        await self._source.store_refusal(reason, term)
        return reason

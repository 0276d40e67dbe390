"""Refuses publishing while a recovery is unfinished, or while the topic has events of another register."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import asyncpg

from registration.relay.outbox_source import RECOVERY_UNFINISHED, RegisterEventSource
from registration.relay.topic_divergence import compare, highest_events
from telemetry.logs import get

log = get()


class TopicGuard:
    """Tells the relay's publisher whether it may publish. Implements `outbox.publisher.Guard`."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        source: RegisterEventSource,
        newest_records: Callable[[], Awaitable[Mapping[int, Sequence[Any]]]],
    ) -> None:
        self._pool = pool
        self._source = source
        self._newest_records = newest_records
        self._refused_term: int | None = None

    async def check(self, term: int) -> str | None:
        """Return the reason not to publish in this term; None if publishing is allowed.

        The reason is also stored in the register, where the audit reads it.
        """
        await self._source.follow_server()
        reason = await self._source.refusal()
        if reason != RECOVERY_UNFINISHED:
            reason = await compare(self._pool, highest_events(await self._newest_records()))
        if reason is not None and self._refused_term != term:
            log.error("relay refuses", reason=reason)
        self._refused_term = None if reason is None else term
        await self._source.store_refusal(reason, term)
        return reason

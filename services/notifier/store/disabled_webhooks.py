"""The webhooks that answered 410 Gone, which are not called until an operator enables them."""

from __future__ import annotations

from typing import Any, Final

import asyncpg

from database.sql_files import load_queries
from notifier.store.alerts import utc_text

QUERIES: Final = load_queries("notifier.store")


class DisabledWebhooks:
    """Lists and enables disabled webhooks, by their names in the settings."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def list_all(self) -> list[tuple[str, str | None]]:
        """Return the name of each disabled webhook, and the time since which it is disabled."""
        return [
            (row["lane"].removeprefix("webhook:"), utc_text(row["disabled_at"]))
            async for row in QUERIES.disabled_webhooks(self._pool)
        ]

    async def enable(self, name: str) -> bool:
        """Enable the webhook. Return False if it is not disabled."""
        return await QUERIES.enable_webhook(self._pool, lane=f"webhook:{name}") is not None

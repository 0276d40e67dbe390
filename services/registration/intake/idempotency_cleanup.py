"""Deletes the answers to idempotency keys that are too old to be asked for, a bounded share at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import asyncpg

from registration import metrics
from registration.store.participants import QUERIES

ROUND_ROWS_MAX: Final = 5_000


async def delete_old_keys(pool: asyncpg.Pool[Any], kept: timedelta) -> int:
    """Delete one share; how many rows that were. A full share means that there may be more."""
    status: str = await QUERIES.delete_old_keys(pool, kept=kept, deleted_max=ROUND_ROWS_MAX)
    deleted = int(str(status).rsplit(" ", 1)[-1])
    metrics.KEYS_DELETED.inc(deleted)
    return deleted

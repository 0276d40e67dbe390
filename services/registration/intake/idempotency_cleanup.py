"""Deletes expired idempotency keys with their answers. Each call deletes a bounded number of keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import asyncpg

from registration import metrics
from registration.store.register_rows import QUERIES

DELETED_ROWS_MAX: Final = 5_000


async def delete_old_keys(pool: asyncpg.Pool[Any], kept: timedelta) -> int:
    """Delete at most DELETED_ROWS_MAX idempotency keys older than `kept`, and return their number.

    If the result equals DELETED_ROWS_MAX, more expired keys may remain.
    """
    status: str = await QUERIES.delete_old_keys(pool, kept=kept, deleted_max=DELETED_ROWS_MAX)
    deleted = int(str(status).rsplit(" ", 1)[-1])
    metrics.KEYS_DELETED.inc(deleted)
    return deleted

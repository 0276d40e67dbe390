"""Deletes expired idempotency keys, old rejections of imports and full token buckets, in bounded batches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import asyncpg

from registration import metrics
from registration.store.register_rows import QUERIES

DELETED_ROWS_MAX: Final = 5_000


async def delete_expired(
    pool: asyncpg.Pool[Any], keys_kept: timedelta, rejections_kept: timedelta, cells_kept: timedelta
) -> bool:
    """Delete at most DELETED_ROWS_MAX rows of each kind, and return whether more expired rows may remain.

    Imports that nobody confirms are given up, and their files deleted, when the cells of rejected rows would
    be deleted.

    A caller that repeats the call at once while it returns True deletes faster than any intake can insert.
    """
    keys = await delete_old_keys(pool, keys_kept)
    rejections = _rows(
        await QUERIES.delete_old_rejections(pool, kept=rejections_kept, deleted_max=DELETED_ROWS_MAX)
    )
    metrics.REJECTIONS_DELETED.inc(rejections)
    cells = _rows(await QUERIES.delete_old_cells(pool, kept=cells_kept, deleted_max=DELETED_ROWS_MAX))
    metrics.REJECTED_CELLS_DELETED.inc(cells)
    await QUERIES.give_up_held_imports(pool, kept=cells_kept)
    await QUERIES.delete_unneeded_parts(pool)
    buckets = _rows(await QUERIES.delete_full_buckets(pool, deleted_max=DELETED_ROWS_MAX))
    return DELETED_ROWS_MAX in (keys, rejections, cells, buckets)


async def delete_old_keys(pool: asyncpg.Pool[Any], kept: timedelta) -> int:
    """Delete at most DELETED_ROWS_MAX idempotency keys older than `kept`, and return their number."""
    deleted = _rows(await QUERIES.delete_old_keys(pool, kept=kept, deleted_max=DELETED_ROWS_MAX))
    metrics.KEYS_DELETED.inc(deleted)
    return deleted


def _rows(status: Any) -> int:
    """Return the number of rows in a status of the driver, such as `DELETE 7`."""
    return int(str(status).rsplit(" ", 1)[-1])

"""A reader of region-minutes that keeps the newest record of each minute in a dictionary."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from cuts.topic_readers import follow_table
from tests.support.topic_prefixes import Topics


@asynccontextmanager
async def following_minutes(topics: Topics) -> AsyncIterator[dict[bytes, list[tuple[str, int]] | None]]:
    """Follow region-minutes inside the block. Yield a dictionary that is updated with each record.

    It maps a record's key to its (region, growth) rows, or to None after a tombstone.
    """
    minutes: dict[bytes, list[tuple[str, int]] | None] = {}

    async def follow() -> None:
        async for followed in follow_table(topics.settings(), "region-minutes", json.loads):
            value = followed.value
            minutes[followed.key or b""] = (
                None if value is None else [(region, growth) for region, growth in value["rows"]]
            )

    task = asyncio.ensure_future(follow())
    try:
        yield minutes
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

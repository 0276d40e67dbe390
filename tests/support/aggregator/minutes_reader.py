"""A reader of region-minutes that keeps the newest record of each minute."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cuts.topic_readers import follow_table
from tests.support.background_task import background_task
from tests.support.topic_prefixes import Topics


class MinutesReader:
    """The newest value of each key; None for a tombstone."""

    def __init__(self) -> None:
        self.records: dict[bytes, Any] = {}
        self.history: list[Any] = []
        """Every value that was read."""

    def newest(self, scope: str) -> Any:
        """Return the record of the scope's newest minute; None if there is none."""
        of_scope = [value for value in self.records.values() if value and value["scope"] == scope]
        return max(of_scope, key=lambda value: str(value["minute"]), default=None)


@asynccontextmanager
async def following_minutes(topics: Topics) -> AsyncIterator[MinutesReader]:
    """Follow region-minutes inside the block."""
    reader = MinutesReader()

    async def follow() -> None:
        async for followed in follow_table(topics.settings(), "region-minutes", json.loads):
            reader.records[followed.key or b""] = followed.value
            reader.history.append(followed.value)

    async with background_task(follow()):
        yield reader

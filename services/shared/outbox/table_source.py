"""Knows the two tables of a topic of one partition: records appended in transactions, published by
position.

`append` takes part in the caller's transaction and is best its last statement: it locks the topic's row
until the commit, which makes the order of sequences the order of commits and leaves no hole behind a
rollback.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import asyncpg

from database.queries import load_queries
from outbox.publisher import Pending, Record
from outbox.source import PublishedMove

Connection: TypeAlias = "asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"

QUERIES: Final = load_queries("outbox")


def table_ddl() -> str:
    """The tables' definition, for the migrations of the service that publishes; `lease.sql` belongs to it."""
    return Path(__file__).with_name("ddl").joinpath("table.sql").read_text("utf-8")


async def append(connection: Connection, topic: str, records: Sequence[tuple[str, str | None]]) -> None:
    """Add (key, value) pairs to a topic, inside the caller's transaction; a value None is a tombstone.

    `topic` is the topic's own name, without the prefix it has on the wire. Where a value holds
    `{sequence}`, the record's sequence is put there.
    """
    if records:
        keys, values = zip(*records, strict=True)
        await QUERIES.append(connection, topic=topic, keys=list(keys), record_values=list(values))


class TableSource:
    """The source of one topic in these tables; its lease, `lease_name`, lies in the same schema."""

    def __init__(self, pool: asyncpg.Pool[Any], topic: str, lease_name: str) -> None:
        self._pool = pool
        self._topic = topic
        self._lease_name = lease_name

    async def pending(self, records_max: int, skip: Collection[int]) -> Sequence[Pending]:
        """See `Source`."""
        if 0 in skip:
            return []
        found = QUERIES.pending(self._pool, topic=self._topic, records_max=records_max)
        rows = [row async for row in found]
        if not rows:
            return []
        records = [
            Record(sequence, key.encode(), None if value is None else value.encode())
            for _, sequence, key, value in rows
        ]
        return [Pending(0, rows[0]["published"], records)]

    async def advance(self, moves: Sequence[PublishedMove], term: int) -> int:
        """See `Source`."""
        moved = 0
        for move in moves:
            moved += await QUERIES.advance(
                self._pool,
                topic=self._topic,
                expected=move.expected,
                target=move.to,
                lease=self._lease_name,
                term=term,
            )
        return moved

"""The outbox tables: a service appends records in its transactions, and a publisher reads them as a source.

Each topic has one partition. `append` runs in the caller's transaction. It locks the topic's row until the
commit, so that sequences follow the order of commits and a rollback leaves no gap. `append` should be the
transaction's last statement, because other transactions wait for the lock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import asyncpg

from database.replication import await_standby
from database.sql_files import load_queries
from outbox.publisher import Pending, Record
from outbox.source import PublishedMove

Connection: TypeAlias = "asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"

QUERIES: Final = load_queries("outbox")


def table_ddl() -> str:
    """Return the DDL of the tables, for the migrations of a service that publishes.

    The publisher also needs the table of `lease_ddl()`.
    """
    return Path(__file__).with_name("ddl").joinpath("table.sql").read_text("utf-8")


def topic_start_ddl() -> str:
    """Return the DDL of the column that `TableTopic` needs, for a migration after that of `table_ddl`."""
    return Path(__file__).with_name("ddl").joinpath("topic_start.sql").read_text("utf-8")


async def append(connection: Connection, topic: str, records: Sequence[tuple[str, str | None]]) -> None:
    """Append one record per (key, value) pair to a topic, inside the caller's transaction.

    A value of None is a tombstone. `topic` is the topic's name without the configured prefix. The placeholder
    `{sequence}` in a value is replaced by the record's sequence.
    """
    if records:
        keys, values = zip(*records, strict=True)
        await QUERIES.append(connection, topic=topic, keys=list(keys), record_values=list(values))


class TableSource:
    """The source of one topic; the lease `lease_name` is in the same schema as the outbox tables."""

    def __init__(self, pool: asyncpg.Pool[Any], topic: str, lease_name: str) -> None:
        self._pool = pool
        self._topic = topic
        self._lease_name = lease_name

    async def pending(self, records_max: int, skip: Collection[int]) -> Sequence[Pending]:
        """See `Source`."""
        if 0 in skip:
            return []
        async with self._pool.acquire() as connection:
            found = QUERIES.pending(connection, topic=self._topic, records_max=records_max)
            rows = [row async for row in found]
            if not rows:
                return []
            await await_standby(connection)
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


Snapshot = Callable[[Connection], Awaitable[Sequence[tuple[str, str | None]]]]
"""Reads, in a transaction, the records of everything that a topic should contain, as `append` takes them."""


class TableTopic:
    """The state of a topic that is published from the outbox tables. Implements `PublishedTopic`."""

    def __init__(self, pool: asyncpg.Pool[Any], topic: str, lease_name: str, snapshot: Snapshot) -> None:
        self._pool = pool
        self._topic = topic
        self._lease_name = lease_name
        self._snapshot = snapshot

    async def records_min(self) -> int:
        """See `PublishedTopic`."""
        return await QUERIES.published_records(self._pool, topic=self._topic) or 0

    async def publish_again(self, term: int) -> bool:
        """See `PublishedTopic`. The records get new sequences, so that readers prefer them to older ones."""
        async with self._pool.acquire() as connection, connection.transaction():
            begun = await QUERIES.begin_topic_again(
                connection, topic=self._topic, lease=self._lease_name, term=term
            )
            if begun:
                await append(connection, self._topic, await self._snapshot(connection))
        return bool(begun)

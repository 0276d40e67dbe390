"""Reads cuts from PostgreSQL: everything of one cut in one REPEATABLE READ snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aggregator.domain.cut import CutHead, Row
from aggregator.tallies.postgres_tally_store import QUERIES

if TYPE_CHECKING:
    import asyncpg

    from aggregator.tallies.postgres_tally_store import Connection

MinuteKey = tuple[datetime, str]
"""(minute, scope)"""


@dataclass(frozen=True, slots=True)
class PublishedState:
    """What the publisher before us stored."""

    term: int
    cut: int
    minutes_set_id: int
    minutes_generation: int
    minutes_positions: tuple[int, ...]


class Snapshot:
    """One consistent view of tallies, positions and quarantine, for as long as its block is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def head(self) -> tuple[CutHead, datetime]:
        """The head, and the database's time."""
        row = await QUERIES.head(self._connection)
        positions = tuple(row["positions"])
        gaps = tuple(
            (partition, positions[partition] + 1, seen)
            for partition, seen in enumerate(row["gaps"])
            if seen is not None
        )
        named = tuple(zip(row["partitions"] or (), row["sequences"] or (), strict=True))
        head = CutHead(row["set_id"], row["generation"], row["epoch"], positions, gaps, named, row["total"])
        return head, row["as_of"]

    async def changed(self, since: CutHead) -> list[Row]:
        """The rows changed since a head of the same set and generation."""
        rows = QUERIES.changed_rows(self._connection, set_id=since.set_id, positions=list(since.positions))
        return [tuple(row) async for row in rows]

    async def all(self, set_id: int) -> list[Row]:
        """Every row that is not zero."""
        return [tuple(row) async for row in QUERIES.all_rows(self._connection, set_id=set_id)]

    async def changed_minutes(self, since: PublishedState, head: CutHead) -> list[MinuteKey]:
        """The minutes to publish again: those changed, or all where the counts were changed as a whole."""
        if (since.minutes_set_id, since.minutes_generation) == (head.set_id, head.generation):
            rows = QUERIES.changed_minutes(
                self._connection, set_id=head.set_id, positions=list(since.minutes_positions)
            )
        else:
            rows = QUERIES.all_minutes(
                self._connection, set_id=head.set_id, former_set_id=since.minutes_set_id
            )
        return [(row["minute"], row["scope"]) async for row in rows]

    async def minutes(self, set_id: int, keys: Sequence[MinuteKey]) -> dict[MinuteKey, list[tuple[str, int]]]:
        """The growth of each region in these minutes; an empty list where nothing grew."""
        found: dict[MinuteKey, list[tuple[str, int]]] = {key: [] for key in keys}
        rows = QUERIES.minute_rows(
            self._connection,
            set_id=set_id,
            minutes=[minute for minute, _ in keys],
            scopes=[scope for _, scope in keys],
        )
        async for row in rows:
            if row["region"] is not None:
                found[row["minute"], row["scope"]].append((row["region"], row["count"]))
        return found


@asynccontextmanager
async def snapshot(pool: asyncpg.Pool[Any]) -> AsyncIterator[Snapshot]:
    """Open a snapshot; reads only, so a client that falls asleep in it holds nobody up."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield Snapshot(connection)


async def published_state(pool: asyncpg.Pool[Any]) -> PublishedState:
    """What was published before."""
    row = await QUERIES.remembered(pool)
    return PublishedState(
        row["term"],
        row["cut"],
        row["minutes_set_id"],
        row["minutes_generation"],
        tuple(row["minutes_positions"]),
    )

"""Reads a cut's head and rows from PostgreSQL, in one REPEATABLE READ snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aggregator.domain.cut_record import CutContent, CutHead, Range, Row, utc_text
from aggregator.publishing.queries import QUERIES

if TYPE_CHECKING:
    import asyncpg

    from aggregator.tallies.postgres_tally_store import Connection


@dataclass(frozen=True, slots=True)
class PublishedState:
    """The stored progress: the term and the number of the last cut."""

    term: int
    cut: int


class CutSnapshot:
    """A consistent view of tallies, positions and quarantine, valid inside the block of `open_snapshot`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """The connection, for further queries in the same snapshot."""
        return self._connection

    async def head(self) -> tuple[CutHead, datetime]:
        """Read the head and the database's time."""
        row = await QUERIES.cut_head(self._connection)
        positions = tuple(row["positions"])
        gaps = tuple(
            (partition, positions[partition] + 1, seen)
            for partition, seen in enumerate(row["gaps"])
            if seen is not None
        )
        head = CutHead(
            row["set_id"], row["generation"], row["epoch"], positions, gaps, tuple(row["next_offsets"])
        )
        return head, row["as_of"]

    async def changes(self, since: CutHead, head: CutHead) -> CutContent:
        """Read what changed since the cut with the head `since`, of the same set and generation."""
        rows = QUERIES.changed_rows(self._connection, set_id=since.set_id, positions=list(since.positions))
        quarantined = await self._quarantined(head, since.positions)
        return CutContent(quarantined, [tuple(row) async for row in rows])

    async def content(self, head: CutHead) -> CutContent:
        """Read all quarantined events, all rows whose count is not zero, and the peaks of fallen counts."""
        quarantined = await self._quarantined(head, (0,) * len(head.positions))
        peaks = QUERIES.peaks(self._connection, set_id=head.set_id)
        return CutContent(
            quarantined,
            await self.rows(head),
            [(*row[:4], utc_text(row["peak_left_at"])) async for row in peaks],
        )

    async def rows(self, head: CutHead) -> list[Row]:
        """Read all rows whose count is not zero."""
        rows = QUERIES.all_rows(self._connection, set_id=head.set_id)
        return [tuple(row) async for row in rows]

    async def _quarantined(self, head: CutHead, after: Sequence[int]) -> list[Range]:
        """Read the ranges of the quarantined events above the positions `after`."""
        rows = QUERIES.quarantined_ranges(
            self._connection, epoch=head.epoch, after=list(after), positions=list(head.positions)
        )
        return [tuple(row) async for row in rows]


@asynccontextmanager
async def open_snapshot(pool: asyncpg.Pool[Any]) -> AsyncIterator[CutSnapshot]:
    """Open a read-only snapshot. A process that is suspended inside the block blocks no other process."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield CutSnapshot(connection)


async def read_published_state(pool: asyncpg.Pool[Any]) -> PublishedState:
    """Read the progress that this publisher or its predecessor stored."""
    row = await QUERIES.published_state(pool)
    return PublishedState(row["term"], row["cut"])

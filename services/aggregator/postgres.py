"""Tallies in PostgreSQL: one statement per batch, finished by the server whatever becomes of the client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import asyncpg

from aggregator.counting import Fold
from aggregator.events import Stray
from aggregator.tallies import Place
from database.queries import load_queries

queries = load_queries("aggregator")

if TYPE_CHECKING:  # asyncpg's classes are generic to the type checker only
    Connection = asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]
    Database = asyncpg.Pool[Any] | Connection


class PostgresTallies:
    """See `aggregator.tallies.Tallies`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def places(self) -> Mapping[int, Place]:
        """The place of each partition in the live set."""
        return {
            row["partition"]: Place(row["set_id"], row["sequence"], row["kafka_offset"])
            async for row in queries.places(self._database)
        }

    async def count(self, partition: int, place: Place, fold: Fold) -> bool:
        """Add a fold's changes and move the position, both or neither."""
        moved = await queries.count_batch(
            self._database,
            set_id=place.set_id,
            partition=partition,
            expected=fold.position,
            last=fold.last,
            next_offset=place.offset if fold.next_offset is None else fold.next_offset,
            gap=fold.gap,
            bad_sequences=[bad.sequence for bad in fold.quarantined],
            bad_offsets=[bad.offset for bad in fold.quarantined],
            bad_reasons=[bad.reason.value for bad in fold.quarantined],
            **count_arguments(fold),
            **_minute_keys(fold),
        )
        return bool(moved)

    async def note_gap(self, partition: int, place: Place, seen: int) -> None:
        """Remember that a sequence beyond the next one was met."""
        await queries.note_gap(
            self._database, set_id=place.set_id, partition=partition, sequence=place.sequence, seen=seen
        )

    async def keep_strays(self, partition: int, strays: Sequence[Stray]) -> None:
        """Remember records that have no place in the sequence, once each."""
        await queries.keep_strays(
            self._database,
            partition=partition,
            offsets=[stray.offset for stray in strays],
            reasons=[stray.reason.value for stray in strays],
        )


def count_arguments(fold: Fold) -> dict[str, list[Any]]:
    """A fold's changes as arrays. Sorted: those who meet on the same rows lock them in the same order."""
    cells = sorted(fold.changes)
    minutes = sorted(fold.minutes)
    return {
        "scopes": [scope for scope, _, _ in cells],
        "regions": [region for _, region, _ in cells],
        "measures": [measure for _, _, measure in cells],
        "deltas": [fold.changes[cell] for cell in cells],
        "minutes": [minute for minute, _, _ in minutes],
        "minute_scopes": [scope for _, scope, _ in minutes],
        "minute_regions": [region for _, _, region in minutes],
        "minute_deltas": [fold.minutes[cell] for cell in minutes],
    }


def _minute_keys(fold: Fold) -> dict[str, list[Any]]:
    keys = sorted({(minute, scope) for minute, scope, _ in fold.minutes})
    return {
        "minute_keys": [minute for minute, _ in keys],
        "minute_key_scopes": [scope for _, scope in keys],
    }

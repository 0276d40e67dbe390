"""Tallies in PostgreSQL: one statement per fetch, finished by the server whatever becomes of the client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from aggregator.domain.counting import TallyChanges
from aggregator.domain.event import StrayRecord
from aggregator.tallies.tally_store import PartitionPosition, PositionMove
from database.queries import load_queries

QUERIES: Final = load_queries("aggregator.tallies")

if TYPE_CHECKING:  # asyncpg's classes are generic to the type checker only
    Connection = asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]
    Database = asyncpg.Pool[Any] | Connection


class PostgresTallyStore:
    """See `aggregator.tallies.tally_store.Tallies`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def places(self) -> Mapping[int, PartitionPosition]:
        """The place of each partition in the live set."""
        return {
            row["partition"]: PartitionPosition(row["set_id"], row["sequence"], row["kafka_offset"])
            async for row in QUERIES.places(self._database)
        }

    async def count(self, moves: Mapping[int, PositionMove], sums: TallyChanges) -> bool:
        """Add what the moves come to together and move all their positions, or nothing of it."""
        ordered = sorted(moves.items())
        set_ids = {move.place.set_id for _, move in ordered}
        if len(set_ids) != 1:
            return False  # two sets at once: a rebuild was swapped in between the readings of two places
        bad = [(partition, one) for partition, move in ordered for one in move.fold.quarantined]
        moved = await QUERIES.count_batch(
            self._database,
            set_id=set_ids.pop(),
            partitions=[partition for partition, _ in ordered],
            expected=[move.fold.position for _, move in ordered],
            last=[move.fold.last for _, move in ordered],
            next_offsets=[move.reached.offset for _, move in ordered],
            gaps=[move.fold.gap for _, move in ordered],
            bad_partitions=[partition for partition, _ in bad],
            bad_sequences=[one.sequence for _, one in bad],
            bad_offsets=[one.offset for _, one in bad],
            bad_reasons=[one.reason.value for _, one in bad],
            **count_arguments(sums),
            **_minute_keys(sums),
        )
        return bool(moved)

    async def note_gap(self, partition: int, place: PartitionPosition, seen: int) -> None:
        """Remember that a sequence beyond the next one was met."""
        await QUERIES.note_gap(
            self._database, set_id=place.set_id, partition=partition, sequence=place.sequence, seen=seen
        )

    async def keep_strays(self, partition: int, strays: Sequence[StrayRecord]) -> None:
        """Remember records that have no place in the sequence, once each."""
        await QUERIES.keep_strays(
            self._database,
            partition=partition,
            offsets=[stray.offset for stray in strays],
            reasons=[stray.reason.value for stray in strays],
        )


def count_arguments(sums: TallyChanges) -> dict[str, list[Any]]:
    """Tally changes as arrays. Sorted: those who meet on the same rows lock them in the same order."""
    cells = sorted(sums.changes)
    minutes = sorted(sums.minutes)
    return {
        "scopes": [scope for scope, _, _ in cells],
        "regions": [region for _, region, _ in cells],
        "measures": [measure for _, _, measure in cells],
        "deltas": [sums.changes[cell] for cell in cells],
        "minutes": [minute for minute, _, _ in minutes],
        "minute_scopes": [scope for _, scope, _ in minutes],
        "minute_regions": [region for _, _, region in minutes],
        "minute_deltas": [sums.minutes[cell] for cell in minutes],
    }


def _minute_keys(sums: TallyChanges) -> dict[str, list[Any]]:
    keys = sorted({(minute, scope) for minute, scope, _ in sums.minutes})
    return {
        "minute_keys": [minute for minute, _ in keys],
        "minute_key_scopes": [scope for _, scope in keys],
    }

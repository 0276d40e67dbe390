"""The tally store in PostgreSQL. One statement counts a fetch, and completes even if the client dies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import asyncpg

from aggregator.domain.event import UnsequencedRecord
from aggregator.domain.roll_up import TallyChanges
from aggregator.tallies.queries import QUERIES
from aggregator.tallies.tally_store import PartitionPosition, PositionChange

if TYPE_CHECKING:  # asyncpg's classes are generic only for the type checker
    Connection = asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]
    Database = asyncpg.Pool[Any] | Connection


class PostgresTallyStore:
    """See `aggregator.tallies.tally_store.TallyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def positions(self) -> Mapping[int, PartitionPosition]:
        """See `TallyStore`."""
        return {
            row["partition"]: PartitionPosition(row["set_id"], row["sequence"], row["kafka_offset"])
            async for row in QUERIES.positions(self._database)
        }

    async def count(
        self, position_changes: Mapping[int, PositionChange], tally_changes: TallyChanges
    ) -> bool:
        """See `TallyStore`."""
        ordered = sorted(position_changes.items())
        set_ids = {change.before.set_id for _, change in ordered}
        if len(set_ids) != 1:
            return False  # a rebuild replaced the live set after one position was read and before another was
        bad = [(partition, event) for partition, change in ordered for event in change.fold.quarantined]
        moved = await QUERIES.count_batch(
            self._database,
            set_id=set_ids.pop(),
            partitions=[partition for partition, _ in ordered],
            expected=[change.fold.position for _, change in ordered],
            last=[change.fold.last for _, change in ordered],
            next_offsets=[change.after.offset for _, change in ordered],
            gaps=[change.fold.gap for _, change in ordered],
            bad_partitions=[partition for partition, _ in bad],
            bad_sequences=[event.sequence for _, event in bad],
            bad_offsets=[event.offset for _, event in bad],
            bad_reasons=[event.reason.value for _, event in bad],
            **count_arguments(tally_changes),
        )
        return bool(moved)

    async def record_gap(self, partition: int, position: PartitionPosition, sequence: int) -> None:
        """See `TallyStore`."""
        await QUERIES.record_gap(
            self._database,
            set_id=position.set_id,
            partition=partition,
            sequence=position.sequence,
            seen=sequence,
        )

    async def quarantine_unsequenced(self, partition: int, records: Sequence[UnsequencedRecord]) -> None:
        """See `TallyStore`."""
        await QUERIES.quarantine_unsequenced(
            self._database,
            partition=partition,
            offsets=[record.offset for record in records],
            reasons=[record.reason.value for record in records],
        )


def count_arguments(tally_changes: TallyChanges) -> dict[str, list[Any]]:
    """Convert tally changes to array arguments.

    The arrays are sorted, so that concurrent statements lock common rows in the same order.
    """
    cells = sorted(tally_changes.changes)
    return {
        "scopes": [scope for scope, _, _ in cells],
        "regions": [region for _, region, _ in cells],
        "measures": [measure for _, _, measure in cells],
        "deltas": [tally_changes.changes[cell] for cell in cells],
    }

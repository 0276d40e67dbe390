"""The suite of the port `TallyStore`, for the implementations in memory and in PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

import asyncpg
import pytest

from aggregator.domain.event import QuarantineReason, UnsequencedRecord
from aggregator.domain.event_fold import Fold, Quarantined, fold
from aggregator.domain.roll_up import Cell, roll_up
from aggregator.tallies.postgres_tally_store import PostgresTallyStore
from aggregator.tallies.tally_store import PartitionPosition, PositionChange, TallyStore
from tests.support.fakes.tally_store import MemoryTallyStore
from tests.support.postgres_server import Databases
from tests.support.samples.events import event, standing, with_offsets

P = 3


class StoreCase(Protocol):
    """A store, and access to its content."""

    @property
    def tallies(self) -> TallyStore: ...
    async def counts(self) -> Mapping[Cell, int]: ...
    async def gap(self) -> int | None: ...
    async def quarantined(self) -> Sequence[tuple[int | None, int, str]]: ...


class MemoryCase:
    def __init__(self) -> None:
        self.tallies = MemoryTallyStore()

    async def counts(self) -> Mapping[Cell, int]:
        return {cell: count for cell, count in self.tallies.counts.items() if count}

    async def gap(self) -> int | None:
        return self.tallies.gaps.get(P)

    async def quarantined(self) -> Sequence[tuple[int | None, int, str]]:
        return sorted(self.tallies.quarantine, key=str)


class PostgresCase:
    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self.pool = pool
        self.tallies = PostgresTallyStore(pool)

    async def counts(self) -> Mapping[Cell, int]:
        rows = await self.pool.fetch("select scope, region, measure, count from tally where count <> 0")
        return {(row[0], row[1], row[2]): row[3] for row in rows}

    async def gap(self) -> int | None:
        found: int | None = await self.pool.fetchval("select gap_seen from position where partition = $1", P)
        return found

    async def quarantined(self) -> Sequence[tuple[int | None, int, str]]:
        rows = await self.pool.fetch("select event_sequence, kafka_offset, reason from quarantine")
        return sorted([(row[0], row[1], row[2]) for row in rows], key=str)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.integration)])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[StoreCase]:
    if request.param == "memory":
        yield MemoryCase()
        return
    database: Databases = request.getfixturevalue("database")
    pool = await asyncpg.create_pool(**database.aggregator.asyncpg_options(), min_size=1, max_size=2)
    yield PostgresCase(pool)
    await pool.close()


def three_events() -> Fold:
    return fold(0, with_offsets(*(event(sequence, standing()) for sequence in (1, 2, 3))))


async def count(case: StoreCase, position: PartitionPosition, *folds: Fold) -> bool:
    """Count one fold for each partition from P on. All folds start from the same position."""
    changes = {P + index: PositionChange(position, fold) for index, fold in enumerate(folds)}
    return await case.tallies.count(changes, roll_up(folds))


async def test_every_partition_starts_at_zero(case: StoreCase) -> None:
    positions = await case.tallies.positions()

    assert set(positions) == set(range(12))
    assert {(position.sequence, position.offset) for position in positions.values()} == {(0, 0)}


async def test_counts_and_position_move_together(case: StoreCase) -> None:
    position = (await case.tallies.positions())[P]

    moved = await count(case, position, three_events())

    assert moved
    assert (await case.tallies.positions())[P] == PartitionPosition(position.set_id, 3, 103)
    assert (await case.counts())["all", "31", "registered"] == 3


async def test_a_fold_from_another_position_changes_nothing(case: StoreCase) -> None:
    position = (await case.tallies.positions())[P]
    await count(case, position, three_events())
    before = await case.counts()

    moved = await count(case, position, three_events())

    assert not moved
    assert await case.counts() == before
    assert (await case.tallies.positions())[P].sequence == 3


async def test_several_partitions_move_together(case: StoreCase) -> None:
    position = (await case.tallies.positions())[P]

    assert await count(case, position, three_events(), three_events())

    positions = await case.tallies.positions()
    assert (positions[P], positions[P + 1]) == (PartitionPosition(position.set_id, 3, 103),) * 2
    assert (await case.counts())["all", "31", "registered"] == 6


async def test_if_one_of_several_positions_has_moved_none_moves(case: StoreCase) -> None:
    position = (await case.tallies.positions())[P]
    await count(case, position, three_events())

    assert not await count(case, position, three_events(), three_events())

    assert (await case.tallies.positions())[P + 1] == position
    assert (await case.counts())["all", "31", "registered"] == 3


async def test_a_fold_for_a_deleted_set_changes_nothing(case: StoreCase) -> None:
    position = (await case.tallies.positions())[P]

    moved = await count(case, PartitionPosition(position.set_id + 1, 0, 0), three_events())

    assert not moved
    assert await case.counts() == {}


async def test_changes_add_up(case: StoreCase) -> None:
    position = (await case.tallies.positions())[P]
    await count(case, position, three_events())
    position = (await case.tallies.positions())[P]

    await count(case, position, fold(3, with_offsets(event(4, before=standing(), after=None))))

    assert (await case.counts()) == Counter(
        {("all", region, "registered"): 2 for region in ("31", "31.71", "31.71.01", "31.71.01.1001")}
    )


async def test_a_gap_is_stored_until_the_position_reaches_it(case: StoreCase) -> None:
    position = (await case.tallies.positions())[P]
    await case.tallies.record_gap(P, position, 3)
    await case.tallies.record_gap(P, position, 5)
    assert await case.gap() == 3

    await count(case, position, fold(0, with_offsets(event(1, standing()))))
    assert await case.gap() == 3

    position = (await case.tallies.positions())[P]
    await count(case, position, fold(1, with_offsets(event(2, standing()))))
    assert await case.gap() is None


async def test_a_gap_found_at_a_former_position_is_not_stored(case: StoreCase) -> None:
    position = (await case.tallies.positions())[P]
    await count(case, position, three_events())

    await case.tallies.record_gap(P, position, 3)

    assert await case.gap() is None


async def test_a_gap_after_counted_events_is_stored_with_the_batch(case: StoreCase) -> None:
    position = (await case.tallies.positions())[P]

    await count(case, position, fold(0, with_offsets(event(1, standing()), event(4, standing()))))

    assert await case.gap() == 4


async def test_a_quarantined_event_is_stored_only_if_its_position_moves(case: StoreCase) -> None:
    position = (await case.tallies.positions())[P]
    bad = Fold(0, 1, 101, quarantined=(Quarantined(1, 100, QuarantineReason.MALFORMED),), counted=0)

    assert await count(case, position, bad)
    assert not await count(case, position, bad)

    assert await case.quarantined() == [(1, 100, "malformed")]


async def test_unsequenced_records_are_quarantined_once_per_offset(case: StoreCase) -> None:
    records = [
        UnsequencedRecord(7, QuarantineReason.UNREADABLE),
        UnsequencedRecord(9, QuarantineReason.MISPLACED),
    ]

    await case.tallies.quarantine_unsequenced(P, records)
    await case.tallies.quarantine_unsequenced(P, records)

    assert await case.quarantined() == [(None, 7, "unreadable"), (None, 9, "misplaced")]

"""One suite for every place that tallies and positions are kept in."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

import asyncpg
import pytest

from aggregator.domain.counting import Cell, Fold, Quarantined, fold, roll_up
from aggregator.domain.event import QuarantineReason, StrayRecord
from aggregator.tallies.postgres_tally_store import PostgresTallyStore
from aggregator.tallies.tally_store import PartitionPosition, PositionMove, TallyStore
from tests.support.databases import Databases
from tests.support.fakes.tally_store import MemoryTallies
from tests.support.samples.events import event, placed, standing

P = 3


class Opened(Protocol):
    """TallyStore, and a look at what is in them."""

    @property
    def tallies(self) -> TallyStore: ...
    async def counts(self) -> Mapping[Cell, int]: ...
    async def gap(self) -> int | None: ...
    async def quarantined(self) -> Sequence[tuple[int | None, int, str]]: ...


class OpenedMemory:
    def __init__(self) -> None:
        self.tallies = MemoryTallies()

    async def counts(self) -> Mapping[Cell, int]:
        return {cell: count for cell, count in self.tallies.counts.items() if count}

    async def gap(self) -> int | None:
        return self.tallies.gaps.get(P)

    async def quarantined(self) -> Sequence[tuple[int | None, int, str]]:
        return sorted(self.tallies.quarantine, key=str)


class OpenedPostgres:
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
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    if request.param == "memory":
        yield OpenedMemory()
        return
    database: Databases = request.getfixturevalue("database")
    pool = await asyncpg.create_pool(database.aggregator, min_size=1, max_size=2)
    yield OpenedPostgres(pool)
    await pool.close()


def three_events() -> Fold:
    return fold(0, placed(*(event(sequence, standing()) for sequence in (1, 2, 3))))


async def count(opened: Opened, place: PartitionPosition, *folds: Fold) -> bool:
    """Count folds of the partitions from P on, all of which begin at one place."""
    moves = {P + at: PositionMove(place, one) for at, one in enumerate(folds)}
    return await opened.tallies.count(moves, roll_up(folds))


async def test_every_partition_begins_at_nothing(opened: Opened) -> None:
    places = await opened.tallies.places()

    assert set(places) == set(range(12))
    assert {(place.sequence, place.offset) for place in places.values()} == {(0, 0)}


async def test_counts_and_position_move_together(opened: Opened) -> None:
    place = (await opened.tallies.places())[P]

    moved = await count(opened, place, three_events())

    assert moved
    assert (await opened.tallies.places())[P] == PartitionPosition(place.set_id, 3, 103)
    assert (await opened.counts())["all", "31", "registered"] == 3


async def test_a_fold_from_another_position_changes_nothing(opened: Opened) -> None:
    place = (await opened.tallies.places())[P]
    await count(opened, place, three_events())
    before = await opened.counts()

    moved = await count(opened, place, three_events())

    assert not moved
    assert await opened.counts() == before
    assert (await opened.tallies.places())[P].sequence == 3


async def test_several_partitions_move_together(opened: Opened) -> None:
    place = (await opened.tallies.places())[P]

    assert await count(opened, place, three_events(), three_events())

    places = await opened.tallies.places()
    assert (places[P], places[P + 1]) == (PartitionPosition(place.set_id, 3, 103),) * 2
    assert (await opened.counts())["all", "31", "registered"] == 6


async def test_where_one_of_several_has_moved_none_moves(opened: Opened) -> None:
    place = (await opened.tallies.places())[P]
    await count(opened, place, three_events())

    assert not await count(opened, place, three_events(), three_events())

    assert (await opened.tallies.places())[P + 1] == place
    assert (await opened.counts())["all", "31", "registered"] == 3


async def test_a_fold_for_a_set_that_is_gone_changes_nothing(opened: Opened) -> None:
    place = (await opened.tallies.places())[P]

    moved = await count(opened, PartitionPosition(place.set_id + 1, 0, 0), three_events())

    assert not moved
    assert await opened.counts() == {}


async def test_changes_add_up(opened: Opened) -> None:
    place = (await opened.tallies.places())[P]
    await count(opened, place, three_events())
    place = (await opened.tallies.places())[P]

    await count(opened, place, fold(3, placed(event(4, before=standing(), after=None))))

    assert (await opened.counts()) == Counter(
        {("all", region, "registered"): 2 for region in ("31", "31.71", "31.71.01", "31.71.01.1001")}
    )


async def test_a_gap_is_remembered_until_the_position_reaches_it(opened: Opened) -> None:
    place = (await opened.tallies.places())[P]
    await opened.tallies.note_gap(P, place, 3)
    await opened.tallies.note_gap(P, place, 5)
    assert await opened.gap() == 3

    await count(opened, place, fold(0, placed(event(1, standing()))))
    assert await opened.gap() == 3

    place = (await opened.tallies.places())[P]
    await count(opened, place, fold(1, placed(event(2, standing()))))
    assert await opened.gap() is None


async def test_a_gap_seen_from_a_former_position_is_not_noted(opened: Opened) -> None:
    place = (await opened.tallies.places())[P]
    await count(opened, place, three_events())

    await opened.tallies.note_gap(P, place, 3)

    assert await opened.gap() is None


async def test_a_gap_met_behind_what_was_counted_comes_with_the_batch(opened: Opened) -> None:
    place = (await opened.tallies.places())[P]

    await count(opened, place, fold(0, placed(event(1, standing()), event(4, standing()))))

    assert await opened.gap() == 4


async def test_a_quarantined_event_is_kept_with_the_move_and_only_with_it(opened: Opened) -> None:
    place = (await opened.tallies.places())[P]
    bad = Fold(0, 1, 101, quarantined=(Quarantined(1, 100, QuarantineReason.MALFORMED),), counted=0)

    assert await count(opened, place, bad)
    assert not await count(opened, place, bad)

    assert await opened.quarantined() == [(1, 100, "malformed")]


async def test_strays_are_kept_once_by_their_offset(opened: Opened) -> None:
    strays = [StrayRecord(7, QuarantineReason.UNREADABLE), StrayRecord(9, QuarantineReason.MISPLACED)]

    await opened.tallies.keep_strays(P, strays)
    await opened.tallies.keep_strays(P, strays)

    assert await opened.quarantined() == [(None, 7, "unreadable"), (None, 9, "misplaced")]

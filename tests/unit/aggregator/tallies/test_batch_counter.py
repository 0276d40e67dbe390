"""What a worker does with a batch: counts it, meets gaps, and survives failures of the store."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.tallies.batch_counter import (
    BatchCounter,
    CountOutcome,
    PositionMissingError,
    RetryPolicy,
    StoreFailingError,
    retry,
)
from aggregator.tallies.tally_store import PartitionPosition
from tests.support.fakes.tally_store import MemoryTallies

P = 3
JAKARTA = ("all", "31", "registered")


@dataclass
class Kept:
    offset: int
    value: bytes | None


def record(offset: int, sequence: int, partition: int = P) -> Kept:
    after: dict[str, Any] = {"region": "31.71.01.1001", "agency": None, "campaign": None, "steps": []}
    event = {
        "partition": partition,
        "sequence": sequence,
        "time": "2021-10-24T12:05:00Z",
        "data": {"before": None, "after": after},
    }
    return Kept(offset, json.dumps(event).encode())


class World:
    """A taker over tallies in memory, and the seeks it asked for."""

    def __init__(self) -> None:
        self.tallies = MemoryTallies()
        self.seeks: list[tuple[int, int]] = []
        self.taker = BatchCounter(
            self.tallies,
            lambda partition, offset: self.seeks.append((partition, offset)),
            lambda: datetime(2021, 10, 24, 13, tzinfo=UTC),
        )

    async def take(self, *records: Kept) -> CountOutcome:
        return (await self.taker.take({P: records}))[P]


def patience(tick_s: float = 0.0) -> RetryPolicy:
    """A minute of patience, by a clock that ticks when asked and a sleep that takes no time."""
    ticks = count(0.0, tick_s)

    async def no_sleep(_: float) -> None:
        return

    return RetryPolicy(60, lambda: next(ticks), no_sleep)


async def test_a_batch_is_counted_from_the_stored_position() -> None:
    world = World()

    outcome = await world.take(record(0, 1), record(1, 2))

    assert outcome is CountOutcome.COUNTED
    assert world.tallies.counts[JAKARTA] == 2
    assert world.tallies.stored[P] == PartitionPosition(1, 2, 2)


async def test_a_gap_asks_for_one_seek_and_then_reads_forward() -> None:
    world = World()
    await world.take(record(0, 1))

    outcomes = [await world.take(record(2, 3), record(3, 4)) for _ in range(3)]

    assert outcomes == [CountOutcome.GAP] * 3
    assert world.seeks == [(P, 1)]
    assert world.tallies.gaps == {P: 3}
    assert world.tallies.counts[JAKARTA] == 1


async def test_what_is_sent_again_behind_a_gap_heals_it() -> None:
    world = World()
    await world.take(record(0, 1), record(1, 3))

    await world.take(record(2, 2), record(3, 3), record(4, 4))

    assert world.tallies.counts[JAKARTA] == 4
    assert world.tallies.gaps == {}


async def test_the_next_gap_asks_for_a_seek_of_its_own() -> None:
    world = World()
    await world.take(record(0, 1), record(1, 3))
    await world.take(record(2, 2), record(3, 5))

    assert world.seeks == [(P, 1), (P, 3)]


async def test_a_worker_that_another_overtook_counts_on_from_there() -> None:
    world = World()
    await world.taker.load()
    world.tallies.stored[P] = PartitionPosition(1, 2, 2)

    await world.take(record(0, 1), record(1, 2), record(2, 3))

    assert world.tallies.counts[JAKARTA] == 1
    assert world.tallies.stored[P].sequence == 3


async def test_where_one_partition_of_a_fetch_was_overtaken_each_event_still_counts_once() -> None:
    world = World()
    await world.taker.load()
    world.tallies.stored[P] = PartitionPosition(1, 2, 2)

    outcomes = await world.taker.take(
        {P: [record(0, 1), record(1, 2)], 4: [record(0, 1, 4)], 5: [record(0, 2, 5)]}
    )

    assert outcomes == {P: CountOutcome.NOTHING_NEXT, 4: CountOutcome.COUNTED, 5: CountOutcome.GAP}
    assert world.tallies.counts[JAKARTA] == 1
    assert [world.tallies.stored[one].sequence for one in (P, 4, 5)] == [2, 1, 0]


async def test_a_skip_is_noticed_at_the_next_batch() -> None:
    world = World()
    await world.take(record(0, 1), record(1, 3))
    world.tallies.stored[P] = replace(world.tallies.stored[P], sequence=2)

    await world.take(record(2, 3))

    assert world.tallies.counts[JAKARTA] == 2
    assert world.tallies.stored[P].sequence == 3


async def test_a_swapped_set_is_noticed_at_the_next_batch() -> None:
    world = World()
    await world.take(record(0, 1))
    world.tallies.stored[P] = PartitionPosition(2, 1, 1)

    await world.take(record(1, 2))

    assert world.tallies.stored[P] == PartitionPosition(2, 2, 2)


async def test_a_position_lowered_by_a_rebuild_is_noticed_though_all_looks_repeated() -> None:
    world = World()
    await world.take(record(0, 1), record(1, 2), record(2, 3))
    world.tallies.stored[P] = PartitionPosition(2, 1, 1)

    await world.take(record(3, 2))

    assert world.tallies.stored[P] == PartitionPosition(2, 2, 4)


async def test_a_lost_answer_counts_nothing_twice() -> None:
    world = World()
    world.tallies.lost_answers = [ConnectionError("cut off")]
    batch = (record(0, 1), record(1, 2))
    with pytest.raises(ConnectionError):
        await world.take(*batch)

    outcome = await world.take(*batch)

    assert outcome is CountOutcome.NOTHING_NEXT
    assert world.tallies.counts[JAKARTA] == 2


async def test_an_unreadable_record_is_kept_by_offset_and_leaves_a_gap() -> None:
    world = World()

    outcome = await world.take(record(0, 1), Kept(1, b"?"), record(2, 3))

    assert outcome is CountOutcome.GAP
    assert world.tallies.quarantine == {(None, 1, "unreadable")}
    assert world.tallies.stored[P].sequence == 1


async def test_a_partition_without_a_position_is_refused_by_name() -> None:
    world = World()

    with pytest.raises(PositionMissingError, match="partition 12"):
        await world.taker.take({12: [record(0, 1)]})


async def test_a_store_that_fails_for_a_while_loses_nothing() -> None:
    world = World()
    world.tallies.failures = [ConnectionError("away"), ConnectionError("away")]

    outcome = await retry(lambda: world.take(record(0, 1)), patience())

    assert outcome is CountOutcome.COUNTED
    assert world.tallies.counts[JAKARTA] == 1


async def test_a_store_that_fails_for_too_long_ends_the_worker() -> None:
    world = World()
    world.tallies.failures = [ConnectionError("away")] * 9

    with pytest.raises(StoreFailingError):
        await retry(lambda: world.take(record(0, 1)), patience(40.0))


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=6), max_size=6),
    st.lists(st.sampled_from(["lost answer", "failure", None]), max_size=6),
)
async def test_whatever_comes_in_whatever_order_each_event_counts_once(
    batches: list[list[int]], faults: list[str | None]
) -> None:
    world = World()
    position = 0
    for place, sequences in enumerate(batches):
        fault = faults[place] if place < len(faults) else None
        if fault == "lost answer":
            world.tallies.lost_answers = [ConnectionError("cut off")]
        if fault == "failure":
            world.tallies.failures = [ConnectionError("away")]
        records = [record(10 * place + at, sequence) for at, sequence in enumerate(sequences)]
        await retry(partial(world.take, *records), patience())
        world.tallies.lost_answers = []
        for sequence in sequences:
            position += sequence == position + 1

    # A batch taken again after a lost answer may even hold what has become next.
    assert world.tallies.stored[P].sequence >= position
    assert world.tallies.counts[JAKARTA] == world.tallies.stored[P].sequence

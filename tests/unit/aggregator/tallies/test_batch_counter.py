"""Counting batches: gaps, other workers, and failures of the store."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.tallies.batch_counter import BatchCounter, CountOutcome
from aggregator.tallies.store_retry import RetryPolicy, StoreFailingError, retry
from aggregator.tallies.tally_store import PartitionPosition
from tests.support.fakes.tally_store import MemoryTallyStore

P = 3
JAKARTA = ("all", "31", "registered")


@dataclass
class SampleRecord:
    offset: int
    value: bytes | None


def record(offset: int, sequence: int, partition: int = P) -> SampleRecord:
    after: dict[str, Any] = {"region": "31.71.01.1001", "agency": None, "campaign": None, "steps": []}
    event = {
        "partition": partition,
        "sequence": sequence,
        "time": "2021-10-24T12:05:00Z",
        "data": {"before": None, "after": after},
    }
    return SampleRecord(offset, json.dumps(event).encode())


class World:
    """A batch counter over tallies in memory, and the seeks that it requested."""

    def __init__(self) -> None:
        self.tallies = MemoryTallyStore()
        self.seeks: list[tuple[int, int]] = []
        self.counter = BatchCounter(
            self.tallies,
            lambda partition, offset: self.seeks.append((partition, offset)),
        )

    async def count(self, *records: SampleRecord) -> CountOutcome:
        return (await self.counter.count_fetch({P: records}))[P]


def retry_policy(tick_s: float = 0.0) -> RetryPolicy:
    """Retry for a minute: the clock advances by `tick_s` per reading, and the sleep takes no time."""
    ticks = count(0.0, tick_s)

    async def no_sleep(_: float) -> None:
        return

    return RetryPolicy(60, lambda: next(ticks), no_sleep)


async def test_a_batch_is_counted_from_the_stored_position() -> None:
    world = World()

    outcome = await world.count(record(0, 1), record(1, 2))

    assert outcome is CountOutcome.COUNTED
    assert world.tallies.counts[JAKARTA] == 2
    assert world.tallies.stored[P] == PartitionPosition(1, 2, 2)


async def test_while_a_gap_lasts_seeks_are_requested_ever_more_rarely() -> None:
    world = World()
    await world.count(record(0, 1))

    outcomes = [await world.count(record(2, 3), record(3, 4)) for _ in range(15)]

    assert outcomes == [CountOutcome.GAP] * 15
    assert world.seeks == [(P, 1)] * 4  # at the fetches 1, 2, 4 and 8
    assert world.tallies.gaps == {P: 3}
    assert world.tallies.counts[JAKARTA] == 1


async def test_resent_events_close_a_gap() -> None:
    world = World()
    await world.count(record(0, 1), record(1, 3))

    await world.count(record(2, 2), record(3, 3), record(4, 4))

    assert world.tallies.counts[JAKARTA] == 4
    assert world.tallies.gaps == {}


async def test_another_gap_requests_another_seek() -> None:
    world = World()
    await world.count(record(0, 1), record(1, 3))
    await world.count(record(2, 2), record(3, 5))

    assert world.seeks == [(P, 1), (P, 3)]


async def test_a_worker_counts_from_the_position_that_another_worker_stored() -> None:
    world = World()
    await world.counter.load_offsets()
    world.tallies.stored[P] = PartitionPosition(1, 2, 2)

    await world.count(record(0, 1), record(1, 2), record(2, 3))

    assert world.tallies.counts[JAKARTA] == 1
    assert world.tallies.stored[P].sequence == 3


async def test_each_event_counts_once_if_another_worker_counted_one_partition_of_the_fetch() -> None:
    world = World()
    await world.counter.load_offsets()
    world.tallies.stored[P] = PartitionPosition(1, 2, 2)

    outcomes = await world.counter.count_fetch(
        {P: [record(0, 1), record(1, 2)], 4: [record(0, 1, 4)], 5: [record(0, 2, 5)]}
    )

    assert outcomes == {P: CountOutcome.NOTHING_NEXT, 4: CountOutcome.COUNTED, 5: CountOutcome.GAP}
    assert world.tallies.counts[JAKARTA] == 1
    assert [world.tallies.stored[partition].sequence for partition in (P, 4, 5)] == [2, 1, 0]


async def test_a_skip_is_noticed_at_the_next_batch() -> None:
    world = World()
    await world.count(record(0, 1), record(1, 3))
    world.tallies.stored[P] = replace(world.tallies.stored[P], sequence=2)

    await world.count(record(2, 3))

    assert world.tallies.counts[JAKARTA] == 2
    assert world.tallies.stored[P].sequence == 3


async def test_a_rebuilt_set_is_noticed_at_the_next_batch() -> None:
    world = World()
    await world.count(record(0, 1))
    world.tallies.stored[P] = PartitionPosition(2, 1, 1)

    await world.count(record(1, 2))

    assert world.tallies.stored[P] == PartitionPosition(2, 2, 2)


async def test_a_position_lowered_by_a_rebuild_is_noticed_although_the_batch_looks_repeated() -> None:
    world = World()
    await world.count(record(0, 1), record(1, 2), record(2, 3))
    world.tallies.stored[P] = PartitionPosition(2, 1, 1)

    await world.count(record(3, 2))

    assert world.tallies.stored[P] == PartitionPosition(2, 2, 4)


async def test_a_lost_response_counts_nothing_twice() -> None:
    world = World()
    world.tallies.lost_responses = [ConnectionError("lost")]
    batch = (record(0, 1), record(1, 2))
    with pytest.raises(ConnectionError):
        await world.count(*batch)

    outcome = await world.count(*batch)

    assert outcome is CountOutcome.NOTHING_NEXT
    assert world.tallies.counts[JAKARTA] == 2


async def test_an_unreadable_record_is_quarantined_by_offset_and_leaves_a_gap() -> None:
    world = World()

    outcome = await world.count(record(0, 1), SampleRecord(1, b"?"), record(2, 3))

    assert outcome is CountOutcome.GAP
    assert world.tallies.quarantine == {(None, 1, "unreadable")}
    assert world.tallies.stored[P].sequence == 1


async def test_a_partition_without_a_position_is_ignored_and_the_others_are_counted() -> None:
    world = World()

    outcomes = await world.counter.count_fetch({12: [record(0, 1), SampleRecord(1, b"?")], P: [record(0, 1)]})

    assert outcomes == {12: CountOutcome.IGNORED, P: CountOutcome.COUNTED}
    assert world.tallies.counts[JAKARTA] == 1
    assert world.tallies.quarantine == set()


async def test_a_store_that_fails_for_a_while_loses_nothing() -> None:
    world = World()
    world.tallies.failures = [ConnectionError("unavailable"), ConnectionError("unavailable")]

    outcome = await retry(lambda: world.count(record(0, 1)), retry_policy())

    assert outcome is CountOutcome.COUNTED
    assert world.tallies.counts[JAKARTA] == 1


async def test_a_store_that_fails_for_too_long_ends_the_worker() -> None:
    world = World()
    world.tallies.failures = [ConnectionError("unavailable")] * 9

    with pytest.raises(StoreFailingError):
        await retry(lambda: world.count(record(0, 1)), retry_policy(40.0))


@given(
    st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=6), max_size=6),
    st.lists(st.sampled_from(["lost response", "failure", None]), max_size=6),
)
async def test_each_event_counts_once_in_any_order_and_with_any_failure(
    batches: list[list[int]], faults: list[str | None]
) -> None:
    world = World()
    position = 0
    for index, sequences in enumerate(batches):
        fault = faults[index] if index < len(faults) else None
        if fault == "lost response":
            world.tallies.lost_responses = [ConnectionError("lost")]
        if fault == "failure":
            world.tallies.failures = [ConnectionError("unavailable")]
        records = [record(10 * index + delta, sequence) for delta, sequence in enumerate(sequences)]
        await retry(partial(world.count, *records), retry_policy())
        world.tallies.lost_responses = []
        for sequence in sequences:
            position += sequence == position + 1

    # The stored position may be higher than `position`: if the response to a count is lost, the batch is
    # folded again from the new position, and events that came too early in it may then be next.
    assert world.tallies.stored[P].sequence >= position
    assert world.tallies.counts[JAKARTA] == world.tallies.stored[P].sequence

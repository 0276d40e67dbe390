"""Publisher processes on the real broker: cuts are whole, in order, and outlive their leaders."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

from tests.support.aggregator.cut_reader import Reader, reading
from tests.support.aggregator.event_producer import TestRelay
from tests.support.aggregator.minutes_reader import following
from tests.support.aggregator.processes import Processes
from tests.support.deadlines import until
from tests.support.topics import Topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

WAIT_S = 60


async def shown(reader: Reader, expected: int) -> None:
    await until(lambda: reader.total() == expected, WAIT_S, name=f"a cut shows {expected}")


async def test_cuts_follow_the_counts(aggregator: Processes, relay: TestRelay, topics: Topics) -> None:
    aggregator.start("worker")
    aggregator.start("publisher")
    async with reading(topics) as reader:
        for first in range(1, 101, 20):
            for partition in range(12):
                await relay.send(partition, range(first, first + 20))

        await shown(reader, 1_200)

        assert reader.state.positions == (100,) * 12
        heart_beats = len(reader.records)
        await until(lambda: len(reader.records) > heart_beats + 1, WAIT_S, name="heart-beats go on")


async def test_a_killed_leader_is_followed_by_the_next_and_numbers_go_on(
    aggregator: Processes, relay: TestRelay, topics: Topics
) -> None:
    aggregator.start("worker")
    points = ("publisher.before_reserve:3", "publisher.before_produce:4", "publisher.after_produce:4")
    sequence = 0
    async with reading(topics) as reader:
        for point in points:
            leader = aggregator.start("publisher", AGGREGATOR_CRASH_AT=point)
            while not leader.ended():
                sequence += 1
                await relay.send(3, [sequence])
                await asyncio.sleep(0.1)
            assert leader.process.returncode == -signal.SIGKILL

        aggregator.start("publisher")

        await until(lambda: reader.state.term == 4, WAIT_S, name="the fourth leads")
        await shown(reader, sequence)


async def test_a_publisher_that_slept_publishes_nothing_a_reader_would_take(
    aggregator: Processes, relay: TestRelay, topics: Topics
) -> None:
    aggregator.start("worker")
    async with reading(topics) as reader:
        zombie = aggregator.start("publisher")
        await relay.send(3, range(1, 11))
        await shown(reader, 10)
        zombie.signal(signal.SIGSTOP)

        aggregator.start("publisher")
        await relay.send(3, range(11, 21))
        await shown(reader, 20)
        zombie.signal(signal.SIGCONT)
        await relay.send(3, range(21, 31))

        await shown(reader, 30)
        await until(
            lambda: zombie.told('"term": null'), WAIT_S, name="the zombie knows that it leads no more"
        )
        assert reader.state.term == 2


async def test_a_gap_is_named_in_the_cut_until_it_heals(
    aggregator: Processes, relay: TestRelay, topics: Topics
) -> None:
    aggregator.start("worker")
    aggregator.start("publisher")
    async with reading(topics) as reader:
        await relay.send(3, [1, 2, 4])
        await until(lambda: reader.state.gaps, WAIT_S, name="a cut names the gap")
        (gap,) = reader.state.gaps
        assert (gap.partition, gap.expected, gap.seen) == (3, 3, 4)

        await relay.send(3, [3, 4])

        await shown(reader, 4)
        assert reader.state.gaps == ()


async def test_minutes_are_published_and_forgotten_after_48_hours(
    aggregator: Processes, relay: TestRelay, topics: Topics, counts: Any
) -> None:
    aggregator.start("worker")
    aggregator.start("publisher")
    await relay.send(3, range(1, 11))
    async with following(topics) as minutes:
        await until(lambda: sum(dict(rows)["31"] for rows in minutes.values() if rows) == 20, WAIT_S)

        await counts.execute("update minute_tally set minute = minute - interval '49 hours'")

        gone = "select count(*) = 0 from minute_tally"
        await until(lambda: counts.fetchval(gone), WAIT_S, name="old minutes are gone")
        await until(lambda: None in minutes.values(), WAIT_S, name="a tombstone was written")

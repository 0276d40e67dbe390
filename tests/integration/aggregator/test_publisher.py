"""Publisher processes on a real broker: cuts are complete, in order, and continue under the next leader."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

from tests.support.aggregator.cut_checker import CutReader, following_cuts
from tests.support.aggregator.event_producer import EventProducer
from tests.support.aggregator.minutes_reader import following_minutes
from tests.support.aggregator.processes import Processes
from tests.support.deadlines import until
from tests.support.topic_prefixes import Topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

WAIT_S = 60


async def wait_for_total(reader: CutReader, expected: int) -> None:
    await until(lambda: reader.total() == expected, WAIT_S, name=f"a cut shows {expected}")


async def test_cuts_contain_the_counts(
    aggregator: Processes, producer: EventProducer, topics: Topics
) -> None:
    aggregator.start("worker")
    aggregator.start("publisher")
    async with following_cuts(topics) as reader:
        for first in range(1, 101, 20):
            for partition in range(12):
                await producer.send(partition, range(first, first + 20))

        await wait_for_total(reader, 1_200)

        assert reader.state.positions == (100,) * 12
        records = len(reader.records)
        await until(lambda: len(reader.records) > records + 1, WAIT_S, name="heartbeats continue")


async def test_after_a_killed_leader_the_next_one_continues_the_cut_numbers(
    aggregator: Processes, producer: EventProducer, topics: Topics
) -> None:
    aggregator.start("worker")
    points = ("publisher.before_reserve:3", "publisher.before_produce:4", "publisher.after_produce:4")
    sequence = 0
    async with following_cuts(topics) as reader:
        for point in points:
            leader = aggregator.start("publisher", AGGREGATOR_CRASH_AT=point)
            while not leader.ended():
                sequence += 1
                await producer.send(3, [sequence])
                await asyncio.sleep(0.1)
            assert leader.process.returncode == -signal.SIGKILL

        aggregator.start("publisher")

        await until(lambda: reader.state.term == 4, WAIT_S, name="the fourth publisher leads")
        await wait_for_total(reader, sequence)


async def test_readers_ignore_a_publisher_that_was_suspended_and_replaced(
    aggregator: Processes, producer: EventProducer, topics: Topics
) -> None:
    aggregator.start("worker")
    async with following_cuts(topics) as reader:
        deposed = aggregator.start("publisher")
        await producer.send(3, range(1, 11))
        await wait_for_total(reader, 10)
        deposed.signal(signal.SIGSTOP)

        aggregator.start("publisher")
        await producer.send(3, range(11, 21))
        await wait_for_total(reader, 20)
        deposed.signal(signal.SIGCONT)
        await producer.send(3, range(21, 31))

        await wait_for_total(reader, 30)
        await until(
            lambda: deposed.has_logged('"term": null'),
            WAIT_S,
            name="the deposed publisher knows that it no longer leads",
        )
        assert reader.state.term == 2


async def test_a_cut_contains_a_gap_until_the_missing_event_arrives(
    aggregator: Processes, producer: EventProducer, topics: Topics
) -> None:
    aggregator.start("worker")
    aggregator.start("publisher")
    async with following_cuts(topics) as reader:
        await producer.send(3, [1, 2, 4])
        await until(lambda: reader.state.gaps, WAIT_S, name="a cut contains the gap")
        (gap,) = reader.state.gaps
        assert (gap.partition, gap.expected, gap.seen) == (3, 3, 4)

        await producer.send(3, [3, 4])

        await wait_for_total(reader, 4)
        assert reader.state.gaps == ()


async def test_minutes_are_published_and_deleted_after_48_hours(
    aggregator: Processes, producer: EventProducer, topics: Topics, counts: Any
) -> None:
    aggregator.start("worker")
    aggregator.start("publisher")
    await producer.send(3, range(1, 11))
    async with following_minutes(topics) as minutes:
        await until(lambda: sum(dict(rows)["31"] for rows in minutes.values() if rows) == 20, WAIT_S)

        await counts.execute("update minute_tally set minute = minute - interval '49 hours'")

        is_empty = "select count(*) = 0 from minute_tally"
        await until(lambda: counts.fetchval(is_empty), WAIT_S, name="expired minutes are deleted")
        await until(lambda: None in minutes.values(), WAIT_S, name="a tombstone was written")

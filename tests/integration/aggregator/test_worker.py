"""Worker processes on a real broker and database count every event exactly once."""

from __future__ import annotations

import asyncio
import re
import signal
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest
from aiokafka.admin import NewPartitions, NewTopic

from tests.support.aggregator.cut_checker import following_cuts
from tests.support.aggregator.event_producer import EventProducer, event_producer, event_value
from tests.support.aggregator.processes import Processes, RunningProcess
from tests.support.deadlines import until
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

WAIT_S = 60
AFTER: dict[str, Any] = {"region": "31.71.01.1001", "agency": None, "campaign": None, "steps": []}
TOTAL = """select coalesce(sum(count), 0)::bigint from tally join live using (set_id)
where (scope, region, measure) = ('all', '31', 'registered')"""
POSITIONS = "select partition, sequence from position join live using (set_id) order by partition"


async def wait_for_count(counts: Any, expected: int) -> None:
    """Wait until exactly this many events are counted."""

    async def are_counted() -> bool:
        found = await counts.fetchval(TOTAL)
        assert found == expected
        return True

    await until(are_counted, WAIT_S)
    positions = [row[1] for row in await counts.fetch(POSITIONS)]
    assert sum(positions) >= expected


async def gap_of(counts: Any, partition: int) -> int | None:
    found: int | None = await counts.fetchval(
        "select gap_seen from position join live using (set_id) where partition = $1", partition
    )
    return found


async def test_events_become_tallies_and_a_worker_stops_on_sigterm(
    aggregator: Processes, producer: EventProducer, counts: Any
) -> None:
    worker = aggregator.start("worker")
    for partition in range(12):
        await producer.send(partition, range(1, 101))

    await wait_for_count(counts, 1_200)
    worker.signal(signal.SIGTERM)

    assert await worker.exit_code() == 0


async def test_kill_9_before_and_after_the_statement_counts_exactly(
    aggregator: Processes, producer: EventProducer, counts: Any
) -> None:
    for turn, point in enumerate(("worker.before_store", "worker.after_store", "worker.before_store")):
        for partition in range(12):
            await producer.send(partition, range(turn * 50 + 1, turn * 50 + 51))
        dying = aggregator.start("worker", AGGREGATOR_CRASH_AT=point)
        assert await dying.exit_code(WAIT_S) == -signal.SIGKILL

    aggregator.start("worker")

    await wait_for_count(counts, 1800)


async def test_a_run_sent_twice_inside_one_batch_counts_once(
    aggregator: Processes, producer: EventProducer, counts: Any
) -> None:
    await producer.send(3, [*range(1, 51), *range(20, 51), *range(1, 61)])

    aggregator.start("worker")

    await wait_for_count(counts, 60)


async def test_a_gap_is_stored_until_its_events_are_resent(
    aggregator: Processes, producer: EventProducer, counts: Any
) -> None:
    aggregator.start("worker")
    await producer.send(3, [*range(1, 11), *range(12, 21)])
    await wait_for_count(counts, 10)
    assert await until(lambda: gap_of(counts, 3), WAIT_S) == 12

    await producer.send(3, range(11, 31))

    await wait_for_count(counts, 30)
    assert await gap_of(counts, 3) is None


async def test_a_gap_without_later_events_delays_no_other_partition(
    aggregator: Processes, producer: EventProducer, counts: Any
) -> None:
    aggregator.start("worker")
    await producer.send(3, [1, 3])
    await producer.send(4, range(1, 21))

    await wait_for_count(counts, 21)
    assert await until(lambda: gap_of(counts, 3), WAIT_S) == 3


async def test_after_a_killed_worker_the_other_counts_its_partitions(
    aggregator: Processes, producer: EventProducer, counts: Any
) -> None:
    workers = [aggregator.start("worker"), aggregator.start("worker")]
    for partition in range(12):
        await producer.send(partition, range(1, 51))
    await wait_for_count(counts, 600)

    workers[0].kill()
    for partition in range(12):
        await producer.send(partition, range(51, 101))

    await wait_for_count(counts, 1_200)


async def test_events_that_wait_during_a_take_over_are_counted_although_none_follow(
    aggregator: Processes, producer: EventProducer, counts: Any
) -> None:
    workers = [aggregator.start("worker"), aggregator.start("worker")]
    await until(lambda: _both_have_partitions(workers), WAIT_S)
    for partition in range(12):
        await producer.send(partition, range(1, 51))
    await wait_for_count(counts, 600)

    workers[0].kill()
    for partition in range(12):
        await producer.send(partition, range(51, 101))

    # Send no further events. They would reveal a batch that was lost in the rebalance, because the worker
    # would find a gap and read the batch again.
    await wait_for_count(counts, 1_200)
    assert not workers[1].ended()


async def _both_have_partitions(workers: list[RunningProcess]) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            pages = [await client.get(f"http://127.0.0.1:{worker.port}/metrics") for worker in workers]
        except httpx.TransportError:
            return False
    return all("aggregator_partitions_assigned 6.0" in page.text for page in pages)


async def test_a_worker_suspended_for_ten_seconds_counts_nothing_twice(
    aggregator: Processes, producer: EventProducer, counts: Any
) -> None:
    workers = [aggregator.start("worker"), aggregator.start("worker")]
    for partition in range(12):
        await producer.send(partition, range(1, 51))
    await wait_for_count(counts, 600)

    workers[0].signal(signal.SIGSTOP)
    for partition in range(12):
        await producer.send(partition, range(51, 101))
    await wait_for_count(counts, 1_200)
    workers[0].signal(signal.SIGCONT)
    for partition in range(12):
        await producer.send(partition, range(101, 151))

    await wait_for_count(counts, 1_800)


async def test_no_batch_is_lost_while_the_database_raises_errors(
    aggregator: Processes, producer: EventProducer, counts: Any
) -> None:
    aggregator.start("worker")
    await producer.send(3, range(1, 11))
    await wait_for_count(counts, 10)
    await counts.execute("alter table tally rename to tally_away")

    await producer.send(3, range(11, 21))
    await until(lambda: aggregator.running[0].has_logged("store failed"), WAIT_S, name="a store failed")
    await counts.execute("alter table tally_away rename to tally")

    await wait_for_count(counts, 20)


async def test_a_worker_whose_store_keeps_failing_exits(
    aggregator: Processes, producer: EventProducer, counts: Any
) -> None:
    await counts.execute("alter table tally rename to tally_away")
    worker = aggregator.start("worker", AGGREGATOR_FAILING_S_MAX="3")

    await producer.send(3, range(1, 11))

    assert await worker.exit_code(WAIT_S) == 1


async def test_bad_events_are_quarantined_and_the_others_counted(
    aggregator: Processes, producer: EventProducer, counts: Any
) -> None:
    values = [
        event_value(3, 1),
        event_value(3, 2, data={"before": None}),
        event_value(3, 3, data={"before": None, "after": {**AFTER, "region": "32.01.01.2001"}}),
        event_value(4, 4),
        b"\x00 not an event",
        event_value(3, 4),
    ]
    await producer.send_values(3, values)

    aggregator.start("worker")

    await wait_for_count(counts, 3)
    rows = await counts.fetch("select event_sequence, reason from quarantine order by kafka_offset")
    assert [tuple(row) for row in rows] == [(2, "malformed"), (None, "misplaced"), (None, "unreadable")]
    elsewhere = await counts.fetchval(
        "select count from tally where (scope, region, measure) = ('all', '31.00', 'registered')"
    )
    assert elsewhere == 1


async def test_reading_continues_after_a_broker_restart(
    own_kafka: Any, aggregator: Processes, producer: EventProducer, counts: Any
) -> None:
    aggregator.start("worker")
    await producer.send(3, range(1, 11))
    await wait_for_count(counts, 10)

    await own_kafka.restart()
    await asyncio.wait_for(producer.send(3, range(11, 21)), WAIT_S)

    await wait_for_count(counts, 20)


async def test_a_worker_counts_again_soon_after_its_topic_was_created_again(
    aggregator: Processes, producer: EventProducer, counts: Any, topics: Topics
) -> None:
    aggregator.start("worker")
    for partition in range(12):
        await producer.send(partition, range(1, 11))
    await wait_for_count(counts, 120)

    await topics.create_again("participant-events")
    async with event_producer(topics) as another:
        for partition in range(12):
            await another.send(partition, range(1, 21))

    # Without the topic the worker has no partitions, until it looks for the topic again.
    await until(partial(_are_counted, counts, 240), WAIT_S, name="the new topic is counted")


async def _are_counted(counts: Any, expected: int) -> bool:
    return bool(await counts.fetchval(TOTAL) == expected)


async def test_a_stand_by_without_partitions_is_ready_and_takes_over(
    aggregator: Processes, counts: Any, topics: Topics
) -> None:
    alone = replace(topics, prefix=f"{topics.prefix}alone-")
    async with topics.administration() as admin:
        await admin.create_topics([NewTopic(alone.name("participant-events"), 1, 1)])
    async with event_producer(alone) as producer:
        workers = [aggregator.start("worker", **alone.environment()) for _ in range(2)]
        for worker in workers:
            await until(partial(_is_ready, worker), WAIT_S, name="both workers are ready")
        leader, stand_by = await until(partial(_sorted_by_partitions, workers), WAIT_S)

        leader.kill()
        await producer.send(0, range(1, 11))

        await wait_for_count(counts, 10)
        await until(partial(_is_ready, stand_by), WAIT_S, name="the stand-by is ready")


async def _is_ready(worker: RunningProcess) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(_url(worker, "health/ready"))).status_code == 200
        except httpx.TransportError:
            return False


def _sorted_by_partitions(workers: list[RunningProcess]) -> list[RunningProcess]:
    """Return the worker with the partition and the one without; empty while a rebalance is in progress."""
    partitions = [_partitions_of(worker) for worker in workers]
    assert sorted(partitions) == [0, 1]
    return [workers[partitions.index(1)], workers[partitions.index(0)]]


def _partitions_of(worker: RunningProcess) -> int:
    page = httpx.get(_url(worker, "metrics")).text
    found = re.search(r"^aggregator_partitions_assigned (\d+)", page, re.MULTILINE)
    assert found is not None
    return int(found[1])


def _url(worker: RunningProcess, path: str) -> str:
    return f"http://127.0.0.1:{worker.port}/{path}"


async def test_records_in_an_unknown_partition_are_ignored_and_the_others_are_counted(
    aggregator: Processes, counts: Any, topics: Topics
) -> None:
    async with topics.administration() as admin:
        await admin.create_partitions({topics.name("participant-events"): NewPartitions(13)})
    async with event_producer(topics) as producer, following_cuts(topics) as reader:
        await producer.send(12, range(1, 4))
        worker = aggregator.start("worker")
        aggregator.start("publisher")
        for partition in range(12):
            await producer.send(partition, range(1, 11))
        await wait_for_count(counts, 120)

        await producer.send(12, [4])
        await producer.send(3, range(11, 21))

        await wait_for_count(counts, 130)
        await until(lambda: reader.state.ignored == 4, WAIT_S, name="the cut has 4 ignored records")
        assert not worker.ended()

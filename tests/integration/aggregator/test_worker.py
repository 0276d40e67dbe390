"""Worker processes on the real broker and database count every event exactly once."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import httpx
import pytest

from tests.support.aggregator.event_producer import TestRelay, event_value
from tests.support.aggregator.processes import AggregatorProcess, Processes
from tests.support.deadlines import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

WAIT_S = 60
AFTER: dict[str, Any] = {"region": "31.71.01.1001", "agency": None, "campaign": None, "steps": []}
TOTAL = """select coalesce(sum(count), 0)::bigint from tally join live using (set_id)
where (scope, region, measure) = ('all', '31', 'registered')"""
POSITIONS = "select partition, sequence from position join live using (set_id) order by partition"


async def counted(counts: Any, expected: int) -> None:
    """Wait until so many are counted; and not one more a moment later."""

    async def so_many_are_counted() -> bool:
        found = await counts.fetchval(TOTAL)
        assert found == expected
        return True

    await until(so_many_are_counted, WAIT_S)
    positions = [row[1] for row in await counts.fetch(POSITIONS)]
    assert sum(positions) >= expected


async def gap_of(counts: Any, partition: int) -> int | None:
    found: int | None = await counts.fetchval(
        "select gap_seen from position join live using (set_id) where partition = $1", partition
    )
    return found


async def test_events_become_tallies_and_a_worker_stops_when_asked(
    aggregator: Processes, relay: TestRelay, counts: Any
) -> None:
    worker = aggregator.start("worker")
    for partition in range(12):
        await relay.send(partition, range(1, 101))

    await counted(counts, 1_200)
    worker.signal(signal.SIGTERM)

    assert await worker.exit_code() == 0


async def test_kill_9_before_and_after_the_statement_counts_exactly(
    aggregator: Processes, relay: TestRelay, counts: Any
) -> None:
    for turn, point in enumerate(("worker.before_store", "worker.after_store", "worker.before_store")):
        for partition in range(12):
            await relay.send(partition, range(turn * 50 + 1, turn * 50 + 51))
        dying = aggregator.start("worker", AGGREGATOR_CRASH_AT=point)
        assert await dying.exit_code(WAIT_S) == -signal.SIGKILL

    aggregator.start("worker")

    await counted(counts, 1800)


async def test_a_run_sent_twice_inside_one_batch_counts_once(
    aggregator: Processes, relay: TestRelay, counts: Any
) -> None:
    await relay.send(3, [*range(1, 51), *range(20, 51), *range(1, 61)])

    aggregator.start("worker")

    await counted(counts, 60)


async def test_a_gap_is_named_and_heals_by_what_is_sent_again(
    aggregator: Processes, relay: TestRelay, counts: Any
) -> None:
    aggregator.start("worker")
    await relay.send(3, [*range(1, 11), *range(12, 21)])
    await counted(counts, 10)
    assert await until(lambda: gap_of(counts, 3), WAIT_S) == 12

    await relay.send(3, range(11, 31))

    await counted(counts, 30)
    assert await gap_of(counts, 3) is None


async def test_a_gap_without_later_traffic_holds_nobody_else_up(
    aggregator: Processes, relay: TestRelay, counts: Any
) -> None:
    aggregator.start("worker")
    await relay.send(3, [1, 3])
    await relay.send(4, range(1, 21))

    await counted(counts, 21)
    assert await until(lambda: gap_of(counts, 3), WAIT_S) == 3


async def test_two_workers_share_and_one_killed_is_replaced_by_the_other(
    aggregator: Processes, relay: TestRelay, counts: Any
) -> None:
    workers = [aggregator.start("worker"), aggregator.start("worker")]
    for partition in range(12):
        await relay.send(partition, range(1, 51))
    await counted(counts, 600)

    workers[0].kill()
    for partition in range(12):
        await relay.send(partition, range(51, 101))

    await counted(counts, 1_200)


async def test_what_waits_when_a_share_is_taken_over_is_counted_though_nothing_follows_it(
    aggregator: Processes, relay: TestRelay, counts: Any
) -> None:
    workers = [aggregator.start("worker"), aggregator.start("worker")]
    await until(lambda: _all_share(workers), WAIT_S)
    for partition in range(12):
        await relay.send(partition, range(1, 51))
    await counted(counts, 600)

    workers[0].kill()
    for partition in range(12):
        await relay.send(partition, range(51, 101))

    # Nothing more comes: a batch lost while the partitions are shared anew would show no gap.
    await counted(counts, 1_200)
    assert not workers[1].ended()


async def _all_share(workers: list[AggregatorProcess]) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            pages = [await client.get(f"http://127.0.0.1:{one.port}/metrics") for one in workers]
        except httpx.TransportError:
            return False
    return all("aggregator_partitions_assigned 6.0" in page.text for page in pages)


async def test_a_worker_stopped_for_ten_seconds_counts_nothing_twice_when_it_wakes(
    aggregator: Processes, relay: TestRelay, counts: Any
) -> None:
    workers = [aggregator.start("worker"), aggregator.start("worker")]
    for partition in range(12):
        await relay.send(partition, range(1, 51))
    await counted(counts, 600)

    workers[0].signal(signal.SIGSTOP)
    for partition in range(12):
        await relay.send(partition, range(51, 101))
    await counted(counts, 1_200)
    workers[0].signal(signal.SIGCONT)
    for partition in range(12):
        await relay.send(partition, range(101, 151))

    await counted(counts, 1_800)


async def test_a_database_that_refuses_for_a_while_loses_no_batch(
    aggregator: Processes, relay: TestRelay, counts: Any
) -> None:
    aggregator.start("worker")
    await relay.send(3, range(1, 11))
    await counted(counts, 10)
    await counts.execute("alter table tally rename to tally_away")

    await relay.send(3, range(11, 21))
    await until(
        lambda: aggregator.running[0].told("store failed"), WAIT_S, name="the worker tried and failed"
    )
    await counts.execute("alter table tally_away rename to tally")

    await counted(counts, 20)


async def test_a_worker_whose_store_keeps_failing_ends_itself(
    aggregator: Processes, relay: TestRelay, counts: Any
) -> None:
    await counts.execute("alter table tally rename to tally_away")
    worker = aggregator.start("worker", AGGREGATOR_FAILING_S_MAX="3")

    await relay.send(3, range(1, 11))

    assert await worker.exit_code(WAIT_S) == 1


async def test_bad_events_are_set_aside_and_the_rest_goes_on(
    aggregator: Processes, relay: TestRelay, counts: Any
) -> None:
    values = [
        event_value(3, 1),
        event_value(3, 2, data={"before": None}),
        event_value(3, 3, data={"before": None, "after": {**AFTER, "region": "32.01.01.2001"}}),
        event_value(4, 4),
        b"\x00 not an event",
        event_value(3, 4),
    ]
    await relay.send_values(3, values)

    aggregator.start("worker")

    await counted(counts, 3)
    rows = await counts.fetch("select event_sequence, reason from quarantine order by kafka_offset")
    assert [tuple(row) for row in rows] == [(2, "malformed"), (None, "misplaced"), (None, "unreadable")]
    elsewhere = await counts.fetchval(
        "select count from tally where (scope, region, measure) = ('all', '31.00', 'registered')"
    )
    assert elsewhere == 1


async def test_a_broker_killed_and_back_is_read_on_from_there(
    own_kafka: Any, aggregator: Processes, relay: TestRelay, counts: Any
) -> None:
    aggregator.start("worker")
    await relay.send(3, range(1, 11))
    await counted(counts, 10)

    await own_kafka.restart()
    await asyncio.wait_for(relay.send(3, range(11, 21)), WAIT_S)

    await counted(counts, 20)

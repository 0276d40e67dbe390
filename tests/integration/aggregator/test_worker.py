"""A worker process on the real broker and database counts every event exactly once."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.harness.waiting import until
from tests.integration.aggregator.processes import Processes
from tests.integration.aggregator.producing import TestRelay

pytestmark = pytest.mark.integration


async def total(counts: Any) -> int:
    return await counts.fetchval(
        "select coalesce(sum(count), 0) from tally join live using (set_id)"
        " where (scope, region, measure) = ('all', '31', 'registered')"
    )


async def test_events_become_tallies(aggregator: Processes, relay: TestRelay, counts: Any) -> None:
    worker = aggregator.start("worker")
    for partition in range(12):
        await relay.send(partition, range(1, 101))

    await until(lambda: _total_is(counts, 1_200), 30, name="all events are counted")
    worker.signal(signal.SIGTERM)

    assert await worker.exit_code() == 0


async def _total_is(counts: Any, expected: int) -> bool:
    assert await total(counts) == expected
    return True

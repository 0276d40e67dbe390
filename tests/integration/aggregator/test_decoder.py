"""A worker counts exactly with either decoder, and its metric and `make status` say which one it uses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from deploy.local.process_status import check_all
from tests.support.aggregator.event_producer import EventProducer, event_value
from tests.support.aggregator.processes import Processes
from tests.support.deadlines import until

pytestmark = pytest.mark.integration

WAIT_S = 60
TOTAL = """select coalesce(sum(count), 0)::bigint from tally join live using (set_id)
where (scope, region, measure) = ('all', '31', 'registered')"""


@pytest.mark.parametrize(
    ("mode", "detail"),
    [
        pytest.param("on", "decoder: compiled (built)", marks=pytest.mark.needs("cc")),
        ("off", "decoder: python (off)"),
    ],
)
async def test_both_decoders_count_exactly_and_status_names_the_decoder(
    aggregator: Processes, producer: EventProducer, counts: Any, mode: str, detail: str
) -> None:
    await producer.send(2, range(1, 1001))
    await producer.send(3, [*range(1, 51), *range(20, 51), *range(1, 61)])
    await producer.send_values(4, [event_value(4, 1), event_value(4, 2, data=None), event_value(4, 3)])

    worker = aggregator.start("worker", AGGREGATOR_COMPILED=mode)

    async def are_counted() -> bool:
        return bool(await counts.fetchval(TOTAL) == 1_062)

    await until(are_counted, WAIT_S)
    supervised = {"worker": {"statename": "RUNNING", "pid": worker.process.pid, "start": 0}}

    def status_names_it() -> bool:
        (status,) = check_all(supervised, {"worker": worker.port})
        assert status.detail == detail
        return True

    await until(lambda: asyncio.to_thread(status_names_it))
    assert worker.has_logged("decoder installed")

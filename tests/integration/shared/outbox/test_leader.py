"""A new leader is a step and a few lines of composition, on a real broker and database.

The step below is all that a service has to write: it numbers records, and each record carries the term.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from kafka.leader_producer import LeaderProducer, LeaderRecord
from lifecycle.stop_signal import StopSignal
from outbox.leader import Leader
from outbox.leadership import SECONDS
from outbox.postgres_leases import Lease, new_holder
from tests.support.broker import Broker
from tests.support.deadlines import DEADLINE_S, until
from tests.support.postgres_server import Databases
from tests.support.registration.event_topic import records
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

LEASE = "example"
TOPIC = "milestones"


class NumberStep:
    """Sends the next number, ten times a second."""

    def __init__(self, producer: LeaderProducer) -> None:
        self._producer = producer
        self._last = 0

    async def take_over(self, _term: int) -> int:
        """Continue the newest number in the topic."""
        newest = await self._producer.newest_records(TOPIC, 1)
        last = json.loads(newest[0].value) if newest else {"term": 0, "number": 0}
        self._last = last["number"]
        return int(last["term"])

    async def lead_once(self, term: int) -> float:
        """Send the next number."""
        value = json.dumps({"term": term, "number": self._last + 1}).encode()
        await self._producer.send(TOPIC, [LeaderRecord(b"k", value)], term)
        self._last += 1
        return 0.1

    def step_down(self) -> None:
        """Nothing is reported."""


class RunningLeader:
    """A leader that runs in this process, until `stop`."""

    def __init__(self, pool: asyncpg.Pool[Any], topics: Topics, lease_s: float = SECONDS) -> None:
        self.lease = Lease(pool, LEASE, new_holder(), lease_s)
        producer = LeaderProducer(topics.settings(), self.lease)
        self._stopping = StopSignal()
        leader = Leader(self.lease, NumberStep(producer), producer)
        self.task = asyncio.ensure_future(leader.run(self._stopping))

    async def stop(self) -> None:
        self._stopping.set()
        await asyncio.wait_for(self.task, 60)


@pytest.fixture
async def pool(database: Databases) -> AsyncIterator[asyncpg.Pool[Any]]:
    """A pool for a schema with the lease table."""
    pool: asyncpg.Pool[Any]
    async with asyncpg.create_pool(**database.registration.asyncpg_options(), min_size=1, max_size=8) as pool:
        yield pool


async def _sent(topics: Topics) -> list[tuple[int, int]]:
    """Return (term, number) of all records."""
    (found,) = await records(topics, TOPIC, 1)
    values = [json.loads(record.value) for record in found]
    return [(value["term"], value["number"]) for value in values]


async def _has_sent(topics: Topics, term: int, count: int) -> bool:
    return sum(sent[0] == term for sent in await _sent(topics)) >= count


async def test_the_next_leader_continues_in_a_higher_term_as_soon_as_the_first_stops(
    pool: asyncpg.Pool[Any], topics: Topics
) -> None:
    lease_s = 10 * DEADLINE_S  # so a lease that was not released would not expire during the test
    first = RunningLeader(pool, topics, lease_s)
    await until(lambda: _has_sent(topics, 1, 3), name="the first leader has sent records")
    second = RunningLeader(pool, topics, lease_s)

    await first.stop()
    await until(lambda: _has_sent(topics, 2, 3), name="the second leader has sent records")
    await second.stop()

    sent = await _sent(topics)
    assert sent == sorted(sent)
    assert {term for term, _ in sent} == {1, 2}
    numbers = sorted({number for _, number in sent})
    assert numbers == list(range(1, numbers[-1] + 1))


async def test_a_restored_lease_leads_in_a_term_above_the_topics(
    pool: asyncpg.Pool[Any], topics: Topics
) -> None:
    for _ in range(3):
        leader = RunningLeader(pool, topics)
        await until(lambda: leader.lease.term is not None, name="it leads")  # noqa: B023 - used in this turn
        await until(lambda: _has_sent(topics, leader.lease.term or 0, 1), name="it has sent")  # noqa: B023 - as above
        await leader.stop()
    await pool.execute("update lease set term = 1, holder = 'restored'")

    restored = RunningLeader(pool, topics)
    await until(lambda: _has_sent(topics, 4, 1), name="the restored leader has sent a record")
    await restored.stop()

    terms = [term for term, _ in await _sent(topics)]
    assert terms == sorted(terms)


async def test_after_an_outage_of_the_broker_the_leader_goes_on_in_its_own_term(
    pool: asyncpg.Pool[Any], own_kafka: Broker, topics: Topics
) -> None:
    leader = RunningLeader(pool, topics)
    await until(lambda: _has_sent(topics, 1, 2), name="the leader has sent records")

    own_kafka.kill()
    await own_kafka.restart()
    before = len(await _sent(topics))
    await until(lambda: _has_sent(topics, 1, before + 2), 60, name="it sends again")
    await leader.stop()

    assert {term for term, _ in await _sent(topics)} == {1}

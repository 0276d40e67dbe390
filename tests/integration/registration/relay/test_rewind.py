"""The relay rewinds stalled partitions, and refuses to publish to a topic of another register."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from tests.integration.registration.relay.conftest import StartProcess
from tests.support.background_task import background_task
from tests.support.deadlines import until
from tests.support.ports import free_ports
from tests.support.registration.cut_publisher import CutPublisher
from tests.support.registration.event_topic import events, first_appearances
from tests.support.registration.register_writer import Register
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

CUT_EVERY_S = 0.5


class FakeCounting:
    """Stands in for the aggregator. It publishes a cut with the positions in `positions` twice a second."""

    def __init__(self, cuts: CutPublisher) -> None:
        self._cuts = cuts
        self.positions = [0] * 12
        self.next_offsets = [0] * 12
        self.cut = 1

    async def publish_forever(self) -> None:
        while True:
            await self._cuts.publish(self.cut, self.positions, {}, next_offsets=self.next_offsets)
            await asyncio.sleep(CUT_EVERY_S)


@pytest.fixture
async def counting(topics: Topics) -> AsyncIterator[FakeCounting]:
    """A fake aggregator that publishes a cut twice a second during the test."""
    async with CutPublisher(topics) as cuts:
        counting = FakeCounting(cuts)
        async with background_task(counting.publish_forever()):
            yield counting


async def _everything_is_published(register: Register) -> bool:
    return await register.published() == await register.last_sequences()


async def test_a_lost_tail_is_sent_again_from_the_stalled_position(
    register: Register, topics: Topics, start: StartProcess, counting: FakeCounting
) -> None:
    await register.write_events(600)
    start("relay")
    await until(lambda: _everything_is_published(register), 60, name="everything is published")
    last = await register.last_sequences()
    counting.positions = [max(0, end - 5) for end in last]  # the last five events are not counted
    counting.next_offsets = counting.positions
    await topics.empty("participant-events", 12)

    async def the_tail_is_there_again() -> bool:
        logs = await events(topics)
        return all(
            {s for s, _ in log} >= set(range(end - 4, end + 1)) for log, end in zip(logs, last, strict=True)
        )

    await until(the_tail_is_there_again, 60, every_s=0.5)

    ids = await register.ids()
    assert [[event_id for _, event_id in log] for log in await events(topics)] == [part[-5:] for part in ids]


async def test_an_emptied_topic_is_filled_again_from_the_counted_positions(
    register: Register, topics: Topics, start: StartProcess, counting: FakeCounting
) -> None:
    await register.write_events(600)
    start("relay")
    await until(lambda: _everything_is_published(register), 60, name="everything is published")
    counting.cut = 2  # the positions are still 0, because nothing was counted
    await topics.empty("participant-events", 12)

    async def all_is_there_again() -> bool:
        return [first_appearances(log) for log in await events(topics)] == await register.ids()

    await until(all_is_there_again, 60, every_s=0.5)


async def test_while_nobody_reads_the_topic_no_event_is_sent_again(
    register: Register, topics: Topics, start: StartProcess, counting: FakeCounting
) -> None:
    await register.write_events(600)
    port = str(free_ports(1)[0])
    start("relay", REGISTRATION_RELAY_PORT=port)
    counting.cut = 2

    async def the_topic_was_inspected() -> bool:
        return await _metric(port, 'relay_stalls_total{cause="unread"}') >= 12

    await until(the_topic_was_inspected, 60, every_s=0.5)

    assert [[event_id for _, event_id in log] for log in await events(topics)] == await register.ids()
    assert await _metric(port, "relay_copies_total") == 0


async def test_a_lost_event_is_sent_again_once_and_not_again_while_workers_are_down(
    register: Register, topics: Topics, start: StartProcess, counting: FakeCounting
) -> None:
    """A worker has counted three events of each partition at the offsets 0 to 2, and the others are lost."""
    counting.positions = [600] * 12  # above all events, so that no partition stalls yet
    await register.write_events(600)
    port = str(free_ports(1)[0])
    start("relay", REGISTRATION_RELAY_PORT=port)
    await until(lambda: _everything_is_published(register), 60, name="everything is published")
    await topics.empty("participant-events", 12)
    await register.write_events(300)
    await until(lambda: _everything_is_published(register), 60, name="everything is published")
    counting.positions, counting.next_offsets = [3] * 12, [3] * 12

    async def the_copies_were_inspected() -> bool:
        return await _metric(port, 'relay_stalls_total{cause="unread"}') >= 12

    await until(the_copies_were_inspected, 90, every_s=0.5)

    ids, logs = await register.ids(), await events(topics)
    assert await _metric(port, "relay_copies_total") == sum(len(part) - 3 for part in ids)
    for log, part in zip(logs, ids, strict=True):
        assert [event_id for _, event_id in log][-len(part) + 3 :] == part[3:]


async def test_a_higher_event_below_a_batch_of_repeats_is_still_compared_with_the_register(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    """The relay was killed after it had sent a batch of a rewind. Then an older register was restored."""
    batch = {"REGISTRATION_RELAY_RECORDS_MAX": "200"}
    await register.write_events(3_600)
    relay = start("relay", **batch)
    await until(lambda: _everything_is_published(register), 60, name="everything is published")
    relay.finish()
    await pool.execute("update partition set published = 0")
    await start("relay", **batch, REGISTRATION_CRASH_AT="relay.after_advance:1").ended(60)
    await _restore_an_older_register(pool, 3)

    start("relay", **batch)

    async def the_relay_refuses() -> bool:
        return "registration recover" in (await pool.fetchval("SELECT refused FROM register") or "")

    await until(the_relay_refuses, 60)


async def _metric(port: str, name: str) -> float:
    """Return the sum of a relay's metric over the labels that `name` leaves open; 0 until it answers."""
    with contextlib.suppress(httpx.TransportError):
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))
    return 0.0


async def _restore_an_older_register(pool: asyncpg.Pool[Any], back: int) -> None:
    """Remove the last `back` events of each partition, as a restore from an older backup would."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("grant delete on event to current_user")
        await connection.execute(
            "DELETE FROM event USING partition WHERE event.partition = partition.partition "
            "AND event.sequence > partition.last_sequence - $1",
            back,
        )
        await connection.execute(
            "UPDATE partition SET last_sequence = greatest(0, last_sequence - $1), "
            "published = greatest(0, last_sequence - $1)",
            back,
        )


@pytest.mark.parametrize("written_since", [0, 600])
async def test_a_restored_older_register_is_refused_and_then_recovered(
    written_since: int,
    register: Register,
    topics: Topics,
    start: StartProcess,
    pool: asyncpg.Pool[Any],
) -> None:
    """Without events since the restore, the topic is ahead of the register. With events, sequences repeat."""
    await register.write_events(600)
    relay = start("relay")
    await until(lambda: _everything_is_published(register), 60, name="everything is published")
    relay.finish()
    await _restore_an_older_register(pool, 3)
    if written_since:
        await register.write_events(written_since)
    before = await events(topics)

    port = str(free_ports(1)[0])
    start("relay", REGISTRATION_RELAY_PORT=port)

    async def the_relay_refuses() -> bool:
        return "registration recover" in (await pool.fetchval("SELECT refused FROM register") or "")

    async def its_readiness_fails() -> bool:
        with contextlib.suppress(httpx.TransportError):
            async with httpx.AsyncClient() as client:
                response = await client.get(f"http://127.0.0.1:{port}/health/ready")
                return response.status_code == 503 and "register matches topic" in response.json()["missing"]
        return False

    await until(the_relay_refuses, 60)
    await until(its_readiness_fails)
    assert await events(topics) == before

    assert await start("recover", "--yes", "--wait-s", "0").ended(60) == 0
    await until(lambda: _everything_is_published(register), 60, name="everything is published")

    assert [first_appearances(log) for log in await events(topics)] == await register.ids()
    assert await pool.fetchval("SELECT epoch FROM register") == 2
    assert await pool.fetchval("SELECT refused FROM register") is None


@pytest.mark.parametrize("point", ["after_seize", "after_rewind", "after_emptying", "after_epoch"])
async def test_a_recovery_interrupted_at_any_step_can_be_repeated(
    point: str, register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write_events(300)
    relay = start("relay")
    await until(lambda: _everything_is_published(register), 60, name="everything is published")
    relay.finish()
    await _restore_an_older_register(pool, 3)

    await start("recover", "--yes", "--wait-s", "0", REGISTRATION_CRASH_AT=f"recover.{point}").ended(60)
    assert await start("recover", "--yes", "--wait-s", "0").ended(60) == 0
    start("relay")
    await until(lambda: _everything_is_published(register), 60, name="everything is published")

    assert [first_appearances(log) for log in await events(topics)] == await register.ids()
    assert await pool.fetchval("SELECT epoch FROM register") >= 2
    assert await pool.fetchval("SELECT refused FROM register") is None


async def test_a_recovery_begins_an_epoch_above_the_published_epochs(
    topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    """A register restored from a backup made before a recovery has a lower epoch than the aggregator."""
    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, [0] * 12, {}, epoch=4)

    assert await start("recover", "--yes", "--wait-s", "0").ended(60) == 0

    assert await pool.fetchval("SELECT epoch FROM register") == 5

"""The delivery queue sends each lane independently of the others, and stops with its attempts ended."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from database.pool import connect
from lifecycle.stop_signal import StopSignal
from notifier.delivery_queue import DeliveryQueue
from notifier.domain.alert_evidence import Attempt
from notifier.domain.alerts import Channel, Recipient
from notifier.domain.delivery_policy import AttemptResult, DeliveryReason, RetryPolicy
from notifier.store.latches import LatchStore
from notifier.store.messages import MessageStore
from tests.support.background_task import background_task
from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.samples.milestones import crossing, official, webhook

pytestmark = pytest.mark.integration
RECIPIENTS = {recipient.id: recipient for recipient in (official(), webhook(), webhook("newsroom"))}


@dataclass
class Gate:
    """A sender whose attempts wait until the test opens the gate of their recipient."""

    send_s_max = 60.0
    reason: DeliveryReason = DeliveryReason.ACCEPTED
    shut: set[str] = field(default_factory=set)
    sending: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)

    async def send(self, attempt: Attempt, recipient: Recipient) -> AttemptResult:
        self.sending[recipient.id] += 1
        while recipient.id in self.shut:
            await asyncio.sleep(0.01)
        self.sending[recipient.id] -= 1
        self.ended[recipient.id] += 1
        return AttemptResult(self.reason)


@pytest.fixture
async def pool(database: Databases) -> AsyncIterator[asyncpg.Pool[Any]]:
    """A pool like that of one notifier."""
    pool = await connect(database.notifier, application_name="test", max_size=8)
    yield pool
    await pool.close()


def queue(pool: asyncpg.Pool[Any], gate: Gate, at_once_max: int = 2, poll_s: float = 0.05) -> DeliveryQueue:
    """Return a queue that sends through the gate."""
    store = MessageStore(pool, RetryPolicy(retry_delay_s=600.0))
    senders = dict.fromkeys(Channel, gate)
    return DeliveryQueue(store, senders, RECIPIENTS.get, at_once_max, poll_s)


async def store_messages(
    pool: asyncpg.Pool[Any], *recipients: Recipient, first: int = 1, count: int = 5
) -> None:
    """Store the messages for `count` crossings, each in a transaction of its own."""
    for threshold in range(first, first + count):
        await LatchStore(pool).record([crossing(threshold=threshold)], [], recipients)


async def test_each_lane_sends_up_to_its_limit_while_another_lane_hangs(pool: asyncpg.Pool[Any]) -> None:
    gate = Gate(shut={"webhook:control-room"})
    await store_messages(pool, official(), webhook(), webhook("newsroom"))

    async with background_task(queue(pool, gate).deliver_until_stopped(StopSignal())):
        await until(lambda: gate.sending["webhook:control-room"] == 2)
        await until(lambda: gate.ended == {"official:governor": 5, "webhook:newsroom": 5})

        assert gate.sending["webhook:control-room"] == 2
        gate.shut.clear()
        await until(lambda: gate.ended["webhook:control-room"] == 5)


async def test_a_failing_webhook_gets_one_call_at_a_time_until_it_accepts_one(
    pool: asyncpg.Pool[Any],
) -> None:
    gate = Gate(DeliveryReason.UNREACHABLE)
    await store_messages(pool, webhook(), count=1)
    async with background_task(queue(pool, gate).deliver_until_stopped(StopSignal())):
        await until(lambda: gate.ended["webhook:control-room"] == 1)
        gate.shut = {"webhook:control-room"}
        await store_messages(pool, webhook(), official(), first=10)

        await until(lambda: gate.sending["webhook:control-room"])
        await until(lambda: gate.ended["official:governor"] == 5)  # the queue has seen the new messages

        assert gate.sending["webhook:control-room"] == 1
        gate.reason = DeliveryReason.ACCEPTED
        gate.shut.clear()
        await until(lambda: gate.ended["webhook:control-room"] == 6)
        gate.shut = {"webhook:control-room"}
        await store_messages(pool, webhook(), first=20)
        await until(lambda: gate.sending["webhook:control-room"] == 2)
        gate.shut.clear()


async def test_emails_that_fail_do_not_slow_their_lane(pool: asyncpg.Pool[Any]) -> None:
    gate = Gate(DeliveryReason.DEFERRED)
    await store_messages(pool, official(), count=1)
    async with background_task(queue(pool, gate).deliver_until_stopped(StopSignal())):
        await until(lambda: gate.ended["official:governor"] == 1)
        gate.shut = {"official:governor"}

        await store_messages(pool, official(), first=10)

        await until(lambda: gate.sending["official:governor"] == 2)
        gate.shut.clear()


async def test_new_messages_wake_the_queue_before_its_next_poll(pool: asyncpg.Pool[Any]) -> None:
    gate = Gate()
    delivery = queue(pool, gate, poll_s=3600.0)
    async with background_task(delivery.deliver_until_stopped(StopSignal())):
        await store_messages(pool, official(), count=1)

        delivery.wake()

        await until(lambda: gate.ended["official:governor"] == 1)


async def test_at_the_stop_attempts_in_progress_end_and_no_further_message_is_claimed(
    pool: asyncpg.Pool[Any],
) -> None:
    gate, stopping = Gate(shut={"webhook:control-room"}), StopSignal()
    await store_messages(pool, webhook())
    delivering = asyncio.create_task(queue(pool, gate).deliver_until_stopped(stopping))
    await until(lambda: gate.sending["webhook:control-room"] == 2)

    stopping.set()
    gate.shut.clear()
    await asyncio.wait_for(delivering, 30)

    states = await pool.fetch("select state, count(*) from message group by state order by state")
    assert [tuple(row) for row in states] == [("delivered", 2), ("intent", 3)]


async def test_a_failure_of_the_database_in_an_attempt_is_raised_by_the_queue_once(
    pool: asyncpg.Pool[Any],
) -> None:
    gate = Gate()
    delivery = queue(pool, gate, at_once_max=1)
    await store_messages(pool, webhook(), count=1)
    await pool.execute("alter table attempt rename to attempt_moved")
    await delivery.start_runners_once()

    with pytest.raises(asyncpg.UndefinedTableError):
        await until(delivery.start_runners_once)

    await pool.execute("alter table attempt_moved rename to attempt")
    async with background_task(delivery.deliver_until_stopped(StopSignal())):
        await until(lambda: gate.ended["webhook:control-room"] == 1)


async def test_a_disabled_webhook_is_not_called_and_its_messages_are_dead(pool: asyncpg.Pool[Any]) -> None:
    gate = Gate(DeliveryReason.GONE)
    await store_messages(pool, webhook(), count=3)

    async with background_task(queue(pool, gate, at_once_max=1).deliver_until_stopped(StopSignal())):
        await until(lambda: no_open_messages(pool))

    reasons = await pool.fetch("select reason, state from message order by ended_at")
    assert [tuple(row) for row in reasons] == [("gone", "dead"), ("disabled", "dead"), ("disabled", "dead")]
    assert gate.ended["webhook:control-room"] == 1


async def no_open_messages(pool: asyncpg.Pool[Any]) -> bool:
    return not await pool.fetchval("select count(*) from message where ended_at is null")

"""A silence holds new alerts and retries, and at its end each official gets one letter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from database.pool import connect
from notifier.domain.alert_evidence import Attempt
from notifier.domain.alerts import EMAIL_ALERTS_MAX, Channel
from notifier.domain.delivery_policy import AttemptResult, DeliveryReason, MessageState, RetryPolicy
from notifier.store.alerts import AlertStore
from notifier.store.latches import LatchStore
from notifier.store.messages import Lane, MessageStore, NotSent
from tests.support.postgres_server import Databases
from tests.support.samples.milestones import crossing, official, webhook

pytestmark = pytest.mark.integration

EMAILS = Lane("email", Channel.EMAIL)
CALLS = Lane("webhook:control-room", Channel.WEBHOOK)
AT_ONCE = RetryPolicy(retry_delay_s=0.0)
EVERYWHERE = official(within=("31",))
MAYOR = official("mayor", within=("31",))


@pytest.fixture
async def pool(database: Databases) -> AsyncIterator[asyncpg.Pool[Any]]:
    """A pool like that of one notifier."""
    pool = await connect(database.notifier, application_name="test", max_size=8)
    yield pool
    await pool.close()


async def silence(pool: asyncpg.Pool[Any], region: str | None = None) -> None:
    await pool.execute(
        "insert into silence (id, region, until, reason, body_hash)"
        " values (gen_random_uuid(), $1, now() + interval '1 h', 'night', '')",
        region,
    )


async def end_silences(pool: asyncpg.Pool[Any]) -> None:
    await pool.execute("update message set due_at = now() where state = 'held'")
    await pool.execute("update silence set until = now()")


async def cross(pool: asyncpg.Pool[Any], first: int, last: int, *recipients: Any, region: str = "31") -> None:
    """Store the messages for the thresholds from `first` to `last`, each in a transaction of its own."""
    for threshold in range(first, last + 1):
        await LatchStore(pool).record([crossing(threshold=threshold, region=region)], [], recipients)


async def claim(store: MessageStore, lane: Lane = EMAILS, claim_s: float = 60.0) -> Attempt:
    attempt = await store.begin_attempt(lane, claim_s)
    assert isinstance(attempt, Attempt)
    return attempt


async def test_at_the_end_of_a_silence_each_official_gets_one_letter(pool: asyncpg.Pool[Any]) -> None:
    await silence(pool)
    await cross(pool, 1, 10, EVERYWHERE, MAYOR)
    await end_silences(pool)
    stores = [MessageStore(pool, AT_ONCE) for _ in range(6)]

    attempts = await asyncio.gather(*(store.begin_attempt(EMAILS, 60) for store in stores))

    letters = {sent.recipient: len(sent.alerts) for sent in attempts if isinstance(sent, Attempt)}
    assert letters == {EVERYWHERE.id: 10, MAYOR.id: 10}
    assert sum(isinstance(sent, Attempt) for sent in attempts) == 2
    assert await stores[0].begin_attempt(EMAILS, 60) is None
    states = await pool.fetch("select state, count(*) from message group by state order by state")
    assert [tuple(row) for row in states] == [("merged", 18), ("sending", 2)]


async def test_a_letter_has_no_more_alerts_than_fit_into_one(pool: asyncpg.Pool[Any]) -> None:
    await silence(pool)
    crossings = [crossing(threshold=number) for number in range(EMAIL_ALERTS_MAX)]
    await LatchStore(pool).record(crossings, [], [EVERYWHERE])
    await cross(pool, 1000, 1001, EVERYWHERE)
    await end_silences(pool)
    store = MessageStore(pool, AT_ONCE)

    letters = [await claim(store) for _ in range(2)]

    assert [len(letter.alerts) for letter in letters] == [EMAIL_ALERTS_MAX, 2]


async def test_a_silence_holds_a_message_in_retry_and_its_letter_joins_the_new_alerts(
    pool: asyncpg.Pool[Any],
) -> None:
    store = MessageStore(pool, AT_ONCE)
    await cross(pool, 1, 1, EVERYWHERE)
    first = await claim(store)
    await store.end_attempt(first, AttemptResult(DeliveryReason.AMBIGUOUS))
    await silence(pool)
    await cross(pool, 2, 3, EVERYWHERE)

    during = await store.begin_attempt(EMAILS, 60)
    nothing_more = await store.begin_attempt(EMAILS, 60)
    await end_silences(pool)
    letter = await claim(store)

    assert during == NotSent(first.message_id, MessageState.HELD)
    assert nothing_more is None
    assert letter.message_id == first.message_id
    assert [alert.threshold for alert in letter.alerts] == [1, 2, 3]
    assert (letter.number, letter.repeated, letter.series.number) == (2, True, 1)
    assert await store.begin_attempt(EMAILS, 60) is None


async def test_a_merged_letter_keeps_the_attempts_and_the_link_of_each_message(
    pool: asyncpg.Pool[Any],
) -> None:
    store, alerts = MessageStore(pool, AT_ONCE), AlertStore(pool)
    await cross(pool, 1, 2, EVERYWHERE)
    attempts = [await claim(store) for _ in range(2)]
    for attempt in attempts:
        await store.end_attempt(attempt, AttemptResult(DeliveryReason.DEFERRED))
    await silence(pool)
    for _ in attempts:
        await store.begin_attempt(EMAILS, 60)
    await end_silences(pool)
    letter = await claim(store)

    await alerts.acknowledge_message(attempts[1].message_id, "link")

    stored = await alerts.get(letter.alerts[1].id)
    assert stored is not None
    assert stored["acknowledged_by"] == "link"
    assert [sent["reason"] for sent in stored["attempts"]] == ["deferred", "deferred", None]
    assert len(await alerts.alerts_of_message(attempts[1].message_id)) == 2


async def test_a_silence_for_a_region_holds_only_its_alerts_of_a_message(pool: asyncpg.Pool[Any]) -> None:
    store = MessageStore(pool, AT_ONCE)
    crossings = [crossing(region="31"), crossing(region="31.71"), crossing(region="31.71.06")]
    await LatchStore(pool).record(crossings, [], [EVERYWHERE])
    await silence(pool, "31.71")

    now = await claim(store)
    await end_silences(pool)
    later = await claim(store)

    assert [alert.region for alert in now.alerts] == ["31"]
    assert [alert.region for alert in later.alerts] == ["31.71", "31.71.06"]


async def test_held_calls_are_not_joined(pool: asyncpg.Pool[Any]) -> None:
    await silence(pool)
    await cross(pool, 1, 2, webhook())
    await end_silences(pool)
    store = MessageStore(pool, AT_ONCE)

    calls = [await claim(store, CALLS) for _ in range(2)]

    assert [len(call.alerts) for call in calls] == [1, 1]

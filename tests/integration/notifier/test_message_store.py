"""Claims: a message is sent by one process at a time, and an expired claim is taken over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from database.pool import connect
from notifier.domain.alert_evidence import Attempt
from notifier.domain.alerts import Channel
from notifier.domain.delivery_policy import AttemptResult, DeliveryReason, MessageState, RetryPolicy, Series
from notifier.store.dead_messages import DeadMessages, Decision
from notifier.store.disabled_webhooks import DisabledWebhooks
from notifier.store.latches import LatchStore
from notifier.store.messages import Lane, MessageStore, NotSent
from tests.support.postgres_server import Databases
from tests.support.samples.milestones import crossing, official, webhook

pytestmark = pytest.mark.integration

EMAILS = Lane("email", Channel.EMAIL)
CALLS = Lane("webhook:control-room", Channel.WEBHOOK)
ACCEPTED = AttemptResult(DeliveryReason.ACCEPTED, {"status": 204})
UNREACHABLE = AttemptResult(DeliveryReason.UNREACHABLE)
EXPIRED = 0.0
AT_ONCE = RetryPolicy(retry_delay_s=0.0)
RECIPIENTS = {
    "official:governor": official("governor/2", address="protokol@example.org"),
    "official:governor/2": webhook("duty-phone"),
}


@pytest.fixture
async def pool(database: Databases) -> AsyncIterator[asyncpg.Pool[Any]]:
    """A pool like that of one notifier."""
    pool = await connect(database.notifier, application_name="test", max_size=8)
    yield pool
    await pool.close()


async def store_messages(pool: asyncpg.Pool[Any], thresholds: int, *recipients: Any) -> None:
    """Store the messages for this number of crossings."""
    crossings = [crossing(threshold=1 + number) for number in range(thresholds)]
    await LatchStore(pool).record(crossings, [], recipients)


async def claim(store: MessageStore, lane: Lane, claim_s: float = 60.0) -> Attempt:
    attempt = await store.begin_attempt(lane, claim_s)
    assert isinstance(attempt, Attempt)
    return attempt


async def state(pool: asyncpg.Pool[Any]) -> tuple[str, list[str | None]]:
    """Return the state of the only message, and the reasons of its attempts."""
    rows = await pool.fetch("select reason from attempt order by number")
    return await pool.fetchval("select state from message"), [row["reason"] for row in rows]


async def test_processes_that_claim_at_the_same_time_never_get_the_same_message(
    pool: asyncpg.Pool[Any], database: Databases
) -> None:
    other_pool = await connect(database.notifier, application_name="other", max_size=8)
    await store_messages(pool, 40, webhook())
    stores = [MessageStore(pool, RetryPolicy()), MessageStore(other_pool, RetryPolicy())]

    async def claim_all(store: MessageStore) -> list[Attempt]:
        claimed = []
        while isinstance(attempt := await store.begin_attempt(CALLS, 60), Attempt):
            claimed.append(attempt)
        return claimed

    claimed = await asyncio.gather(*(claim_all(store) for store in stores * 6))

    ids = [attempt.message_id for attempts in claimed for attempt in attempts]
    assert len(ids) == len(set(ids)) == 40
    await other_pool.close()


async def test_a_lane_has_the_messages_of_its_channel_or_webhook_only(pool: asyncpg.Pool[Any]) -> None:
    store = MessageStore(pool, RetryPolicy())
    await store_messages(pool, 1, official(), webhook(), webhook("newsroom"))

    lanes = {row.lane for row in await store.open_messages()}
    call = await claim(store, CALLS)

    assert lanes == {EMAILS, CALLS, Lane("webhook:newsroom", Channel.WEBHOOK)}
    assert call.recipient == "webhook:control-room"
    assert await store.begin_attempt(CALLS, 60) is None


async def test_a_claim_lasts_until_its_end_by_the_databases_clock(pool: asyncpg.Pool[Any]) -> None:
    store = MessageStore(pool, RetryPolicy())
    await store_messages(pool, 1, webhook())

    attempt = await claim(store, CALLS, 60)
    (row,) = await store.open_messages()

    assert attempt.claimed_until - attempt.began_at == timedelta(seconds=60)
    assert (row.state, row.messages, row.due) == (MessageState.SENDING, 1, 0)


async def test_a_message_that_a_silence_holds_is_due_when_the_silence_ends(pool: asyncpg.Pool[Any]) -> None:
    store = MessageStore(pool, RetryPolicy())
    await pool.execute(
        "insert into silence (id, until, reason, body_hash)"
        " values (gen_random_uuid(), now() + interval '1 h', 'night', '')"
    )
    await store_messages(pool, 1, official())

    held = await store.begin_attempt(EMAILS, 60)
    await pool.execute("update message set due_at = now()")
    await pool.execute("update silence set until = now()")

    assert held is None
    assert (await claim(store, EMAILS)).number == 1


async def test_an_expired_claim_is_taken_over_and_its_attempt_is_ambiguous(pool: asyncpg.Pool[Any]) -> None:
    store = MessageStore(pool, AT_ONCE)
    await store_messages(pool, 1, official())

    first = await claim(store, EMAILS, EXPIRED)
    second = await claim(store, EMAILS)

    assert (first.number, first.repeated, second.number, second.repeated) == (1, False, 2, True)
    assert second.message_id == first.message_id
    assert await state(pool) == ("sending", ["ambiguous", None])


async def test_after_a_lost_claim_a_failure_changes_the_receipt_but_not_the_message(
    pool: asyncpg.Pool[Any],
) -> None:
    store = MessageStore(pool, AT_ONCE)
    await store_messages(pool, 1, webhook())
    late = await claim(store, CALLS, EXPIRED)
    current = await claim(store, CALLS)

    assert await store.end_attempt(late, UNREACHABLE) is None

    assert await state(pool) == ("sending", ["unreachable", None])
    assert await store.begin_attempt(CALLS, 60) is None
    assert await store.end_attempt(current, ACCEPTED) is MessageState.DELIVERED


async def test_after_a_lost_claim_an_acceptance_still_ends_the_message(pool: asyncpg.Pool[Any]) -> None:
    store = MessageStore(pool, AT_ONCE)
    await store_messages(pool, 1, webhook())
    late = await claim(store, CALLS, EXPIRED)
    current = await claim(store, CALLS)

    assert await store.end_attempt(late, ACCEPTED) is MessageState.DELIVERED

    assert await store.end_attempt(current, UNREACHABLE) is None
    assert await state(pool) == ("delivered", ["accepted", "unreachable"])


async def test_a_result_of_an_expired_claim_counts_if_no_process_has_taken_it_over(
    pool: asyncpg.Pool[Any],
) -> None:
    store = MessageStore(pool, RetryPolicy(retry_delay_s=60.0))
    await store_messages(pool, 1, webhook())
    attempt = await claim(store, CALLS, EXPIRED)

    assert await store.end_attempt(attempt, UNREACHABLE) is MessageState.RETRY

    assert await store.begin_attempt(CALLS, 60) is None  # the retry is not due yet


async def test_an_attempt_without_a_receipt_keeps_the_delay_of_its_number(pool: asyncpg.Pool[Any]) -> None:
    store = MessageStore(pool, RetryPolicy(retry_delay_s=60.0))
    await store_messages(pool, 1, webhook())
    await claim(store, CALLS, EXPIRED)

    assert await store.begin_attempt(CALLS, 60) is None

    due_s = await pool.fetchval("select extract(epoch from due_at - now()) from message")
    assert 50 < due_s <= 60


async def test_an_email_with_two_ambiguous_attempts_is_unconfirmed(pool: asyncpg.Pool[Any]) -> None:
    store = MessageStore(pool, AT_ONCE)
    await store_messages(pool, 1, official())
    for _ in range(2):
        attempt = await claim(store, EMAILS, EXPIRED)

    given_up = await store.begin_attempt(EMAILS, 60)

    assert given_up == NotSent(attempt.message_id, MessageState.UNCONFIRMED)
    assert await state(pool) == ("unconfirmed", ["ambiguous", "ambiguous"])
    assert await store.open_messages() == []


async def test_a_message_is_dead_if_it_still_fails_after_the_time_for_retries(
    pool: asyncpg.Pool[Any],
) -> None:
    store = MessageStore(pool, RetryPolicy(retry_delay_s=0.0, retried_s=3600.0))
    await store_messages(pool, 1, webhook())
    await store.end_attempt(await claim(store, CALLS), UNREACHABLE)
    await pool.execute("update message set retried_since = retried_since - interval '1 h'")

    last = await claim(store, CALLS)

    assert (last.number, last.series.number) == (2, 2)
    assert await store.end_attempt(last, UNREACHABLE) is MessageState.DEAD


async def test_a_given_up_email_goes_to_the_next_channels_in_their_order(pool: asyncpg.Pool[Any]) -> None:
    store = MessageStore(pool, AT_ONCE, RECIPIENTS.get)
    await store_messages(pool, 2, official())
    refused = AttemptResult(DeliveryReason.REFUSED)
    first = await claim(store, EMAILS)
    await store.end_attempt(first, refused)

    second = await claim(store, EMAILS)
    await store.end_attempt(second, refused)
    calls = [await claim(store, Lane("webhook:duty-phone", Channel.WEBHOOK)) for _ in range(2)]

    assert second.recipient == "official:governor/2"
    assert [alert.crossing_id for alert in second.alerts] == [alert.crossing_id for alert in first.alerts]
    assert not {alert.id for alert in second.alerts} & {alert.id for alert in first.alerts}
    assert {call.alerts[0].crossing_id for call in calls} == {alert.crossing_id for alert in first.alerts}
    rows = await pool.fetch("select recipient, next_recipient from message where state = 'dead'")
    assert {row["recipient"]: row["next_recipient"] for row in rows} == {
        "official:governor": "official:governor/2",
        "official:governor/2": "webhook:duty-phone",
    }


async def test_calls_of_all_recipients_to_one_webhook_share_its_lane(pool: asyncpg.Pool[Any]) -> None:
    through_webhook = replace(webhook(), id="official:governor/webhook:control-room")
    store = MessageStore(pool, AT_ONCE, {"official:governor": through_webhook}.get)
    await store_messages(pool, 1, official(), webhook())
    await store.end_attempt(await claim(store, EMAILS), AttemptResult(DeliveryReason.REFUSED))

    recipients = {(await claim(store, CALLS)).recipient for _ in range(2)}

    assert recipients == {"webhook:control-room", through_webhook.id}


async def test_after_410_gone_the_webhook_is_disabled_until_it_is_enabled(pool: asyncpg.Pool[Any]) -> None:
    store, disabled = MessageStore(pool, AT_ONCE), DisabledWebhooks(pool)
    await store_messages(pool, 3, webhook(), webhook("newsroom"))
    before = await claim(store, CALLS)
    await store.end_attempt(before, AttemptResult(DeliveryReason.GONE))

    afterwards = await claim(store, CALLS)
    other = await claim(store, Lane("webhook:newsroom", Channel.WEBHOOK))

    assert (before.is_disabled, afterwards.is_disabled, other.is_disabled) == (False, True, False)
    assert await store.count_disabled_webhooks() == 1
    assert [name for name, _ in await disabled.list_all()] == ["control-room"]
    assert [await disabled.enable("control-room") for _ in range(2)] == [True, False]
    assert (await claim(store, CALLS)).is_disabled is False


async def test_a_replayed_message_gets_the_whole_time_for_retries_again(pool: asyncpg.Pool[Any]) -> None:
    store, dead = MessageStore(pool, RetryPolicy(retry_delay_s=0.0, retried_s=3600.0)), DeadMessages(pool)
    await store_messages(pool, 1, webhook())
    first = await claim(store, CALLS)
    await pool.execute("update message set retried_since = retried_since - interval '2 h'")
    await store.end_attempt(replace(first, series=Series(1, age_s=7200.0)), UNREACHABLE)

    replayed = await dead.replay(first.message_id)
    again = await claim(store, CALLS)

    assert replayed is Decision.DONE
    assert (again.number, again.series) == (2, Series(1))
    assert await store.end_attempt(again, UNREACHABLE) is MessageState.RETRY

"""Stores messages and attempts in PostgreSQL: each attempt before it is made, and its receipt afterwards."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import asyncpg

from database.replication import replicated_transaction
from database.sql_files import load_queries
from notifier import metrics
from notifier.domain.alert_evidence import AlertEvidence, Attempt
from notifier.domain.alerts import Channel, Recipient, plan_next_channel
from notifier.domain.delivery_policy import (
    ENDED,
    GIVEN_UP,
    AttemptResult,
    DeliveryReason,
    MessageState,
    NextStep,
    RetryPolicy,
    Series,
    next_step,
)
from notifier.store.holds import hold_silenced_alerts, join_held_messages
from notifier.store.latches import insert_messages
from telemetry.logs import get

QUERIES: Final = load_queries("notifier.store")

log = get()


@dataclass(frozen=True, slots=True)
class Lane:
    """Messages that are sent independently of all others: all e-mails, or the calls of one webhook."""

    name: str
    channel: Channel


@dataclass(frozen=True, slots=True)
class OpenMessages:
    """The number of a lane's messages in one state, and how many of them are due and not claimed."""

    lane: Lane
    state: MessageState
    messages: int
    due: int


@dataclass(frozen=True, slots=True)
class NotSent:
    """A message that gets no attempt now: a silence holds it, or it ended because of an ambiguous attempt."""

    message_id: uuid.UUID
    state: MessageState


class MessageStore:
    """The table `message` is the queue: its rows say which messages are due, and which are claimed.

    A claim ends at `claimed_until` by the database's clock, and no other process claims the message before.
    An attempt that ends later has lost its claim: its receipt is stored, but it changes the message only if
    the recipient accepted it.

    The transaction that gives a message up also stores the messages for the recipient's next channel, which
    `next_recipient` returns.
    """

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        policy: RetryPolicy,
        next_recipient: Callable[[str], Recipient | None] = lambda _recipient: None,
    ) -> None:
        self._pool = pool
        self._policy = policy
        self._next_recipient = next_recipient

    async def open_messages(self) -> list[OpenMessages]:
        """Return the numbers of messages that have not ended, by lane and state."""
        return [
            OpenMessages(
                Lane(row["lane"], Channel(row["channel"])),
                MessageState(row["state"]),
                row["messages"],
                row["due"],
            )
            async for row in QUERIES.open_messages(self._pool)
        ]

    async def count_disabled_webhooks(self) -> int:
        """Return the number of webhooks that are not called, because they answered 410 Gone."""
        return len([row["lane"] async for row in QUERIES.disabled_webhooks(self._pool)])

    async def begin_attempt(self, lane: Lane, claim_s: float) -> Attempt | NotSent | None:
        """Claim the message of the lane that has been due longest, store its next attempt and return it.

        Return None if no message is due that is not claimed. If the message had a claim that has expired, its
        attempt is closed as ambiguous. The delay before a further attempt is stored with the claim, so that
        it also applies if no receipt is ever stored.
        """
        async with self._pool.acquire() as connection, replicated_transaction(connection):
            message = await QUERIES.lock_due(connection, lane=lane.name)
            if message is None:
                return None
            history = await QUERIES.attempt_history(connection, id=message["id"])
            series = Series(history["in_series"], history["ambiguous_in_series"], history["age_s"])
            if history["is_open"]:
                step = await self._take_over(connection, message, lane.channel, series)
                if step.state in ENDED:
                    return NotSent(message["id"], step.state)
                series = replace(series, ambiguous=series.ambiguous + 1)
            await join_held_messages(connection, message, lane.channel)
            alerts = await _alerts_of(connection, message["id"])
            alerts = await hold_silenced_alerts(connection, message, alerts)
            if not alerts:
                return NotSent(message["id"], MessageState.HELD)
            series = replace(series, number=series.number + 1)
            number = history["attempts"] + 1
            begun = await QUERIES.begin_attempt(
                connection,
                id=message["id"],
                number=number,
                claim_s=claim_s,
                retry_in_s=self._policy.delay_s(series.number),
            )
        return Attempt(
            message["id"],
            number,
            lane.channel,
            message["recipient"],
            alerts,
            repeated=begun["is_repeat"],
            is_disabled=message["is_disabled"],
            began_at=message["now"],
            series=series,
            claimed_until=begun["claimed_until"],
        )

    async def end_attempt(self, attempt: Attempt, result: AttemptResult) -> MessageState | None:
        """Store the attempt's receipt and the message's next state. Return that state.

        Return None if the message keeps its state, because the attempt has lost its claim.
        """
        step = next_step(result, attempt.channel, attempt.series, self._policy)
        async with self._pool.acquire() as connection, connection.transaction():
            # The message is locked before its attempts, as in `begin_attempt`.
            is_changed = await self._end_claim(
                connection, attempt.message_id, attempt.claimed_until, step, result.reason
            )
            await QUERIES.end_attempt(
                connection,
                id=attempt.message_id,
                number=attempt.number,
                reason=result.reason.value,
                receipt=json.dumps(result.receipt),
            )
            if result.reason is DeliveryReason.GONE:
                await QUERIES.disable_webhook(connection, id=attempt.message_id)
                log.error("webhook disabled", recipient=attempt.recipient)
        return step.state if is_changed else None

    async def _take_over(self, connection: Any, message: Any, channel: Channel, series: Series) -> NextStep:
        """Close the last attempt of the series, whose claim has expired, as ambiguous."""
        reason = DeliveryReason.AMBIGUOUS
        await QUERIES.close_open_attempts(connection, id=message["id"], reason=reason.value)
        step = next_step(AttemptResult(reason), channel, series, self._policy)
        if step.state in ENDED:
            await self._end_claim(connection, message["id"], message["claimed_until"], step, reason)
        metrics.TAKEN_OVER.inc()
        log.info("message taken over", message=str(message["id"]), attempt=series.number)
        return step

    async def _end_claim(
        self,
        connection: Any,
        message_id: uuid.UUID,
        claimed_until: datetime | None,
        step: NextStep,
        reason: DeliveryReason,
    ) -> bool:  # the message, its claim, and the two parts of its result
        """Store the message's next state. Return False if the claim is lost, and the state is unchanged."""
        recipient = await QUERIES.end_claim(
            connection,
            id=message_id,
            claimed_until=claimed_until,
            state=step.state.value,
            is_ended=step.state in ENDED,
            reason=reason.value,
            due_in_s=step.retry_in_s or 0.0,
        )
        if recipient is not None and step.state in GIVEN_UP:
            await self._use_next_channel(connection, message_id, recipient)
        return recipient is not None

    async def _use_next_channel(self, connection: Any, message_id: uuid.UUID, recipient: str) -> None:
        following = self._next_recipient(recipient)
        if following is None:
            return
        alerts = await _alerts_of(connection, message_id)
        await insert_messages(connection, list(plan_next_channel(alerts, following)))
        await QUERIES.set_next_recipient(connection, id=message_id, recipient=following.id)
        log.info("next channel used", message=str(message_id), recipient=following.id)


async def _alerts_of(connection: Any, message_id: uuid.UUID) -> tuple[AlertEvidence, ...]:
    return tuple([AlertEvidence(**dict(row)) async for row in QUERIES.alerts_of(connection, id=message_id)])

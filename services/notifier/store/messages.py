"""Stores messages and attempts in PostgreSQL: each attempt before it is made, and its receipt afterwards."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from database.sql_files import load_queries
from notifier import metrics
from notifier.domain.alert_evidence import AlertEvidence, Attempt
from notifier.domain.alerts import Channel
from notifier.domain.delivery_policy import (
    AttemptResult,
    DeliveryReason,
    MessageState,
    NextStep,
    RetryPolicy,
    next_step,
)
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
class GivenUp:
    """A message that is dead, because its last attempt is ambiguous and no further attempt is allowed."""

    message_id: uuid.UUID
    reason: DeliveryReason


class MessageStore:
    """The table `message` is the queue: its rows say which messages are due, and which are claimed.

    A claim ends at `claimed_until` by the database's clock, and no other process claims the message before.
    An attempt that ends later has lost its claim: its receipt is stored, but it changes the message only if
    the recipient accepted it.
    """

    def __init__(self, pool: asyncpg.Pool[Any], policy: RetryPolicy) -> None:
        self._pool = pool
        self._policy = policy

    async def open_messages(self) -> list[OpenMessages]:
        """Return the numbers of messages that are neither delivered nor dead, by lane and state."""
        return [
            OpenMessages(
                Lane(row["lane"], Channel(row["channel"])),
                MessageState(row["state"]),
                row["messages"],
                row["due"],
            )
            async for row in QUERIES.open_messages(self._pool)
        ]

    async def begin_attempt(self, lane: Lane, claim_s: float) -> Attempt | GivenUp | None:
        """Claim the message of the lane that has been due longest, store its next attempt and return it.

        Return None if no message is due that is not claimed. If the message had a claim that has expired, its
        attempt is closed as ambiguous. That attempt counts towards the maximum number of attempts.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            message = await QUERIES.lock_due(connection, lane=lane.name)
            if message is None:
                return None
            history = await QUERIES.attempt_history(connection, id=message["id"])
            if history["is_open"]:
                step = await self._take_over(connection, message, history["attempts"])
                if step.state is MessageState.DEAD:
                    return GivenUp(message["id"], DeliveryReason.AMBIGUOUS)
            number = history["attempts"] + 1
            claimed_until = await QUERIES.begin_attempt(
                connection, id=message["id"], number=number, claim_s=claim_s
            )
            alerts = [
                AlertEvidence(**dict(row)) async for row in QUERIES.alerts_of(connection, id=message["id"])
            ]
        return Attempt(
            message["id"],
            number,
            lane.channel,
            message["recipient"],
            tuple(alerts),
            repeated=history["is_open"] or history["is_ambiguous"],
            began_at=message["now"],
            claimed_until=claimed_until,
        )

    async def end_attempt(self, attempt: Attempt, result: AttemptResult) -> MessageState | None:
        """Store the attempt's receipt and the message's next state. Return that state.

        Return None if the message keeps its state, because the attempt has lost its claim.
        """
        step = next_step(result, attempt.number, self._policy)
        async with self._pool.acquire() as connection, connection.transaction():
            # The message is locked before its attempts, as in `begin_attempt`.
            ended = await _end_claim(
                connection, attempt.message_id, attempt.claimed_until, step, result.reason
            )
            await QUERIES.end_attempt(
                connection,
                id=attempt.message_id,
                number=attempt.number,
                reason=result.reason.value,
                receipt=json.dumps(result.receipt),
            )
        return step.state if ended else None

    async def _take_over(self, connection: Any, message: Any, number: int) -> NextStep:
        """Close attempt `number`, whose claim has expired, as ambiguous."""
        reason = DeliveryReason.AMBIGUOUS
        await QUERIES.close_open_attempts(connection, id=message["id"], reason=reason.value)
        step = next_step(AttemptResult(reason), number, self._policy)
        if step.state is MessageState.DEAD:
            await _end_claim(connection, message["id"], message["claimed_until"], step, reason)
        metrics.TAKEN_OVER.inc()
        log.info("message taken over", message=str(message["id"]), attempt=number)
        return step


async def _end_claim(
    connection: Any,
    message_id: uuid.UUID,
    claimed_until: datetime | None,
    step: NextStep,
    reason: DeliveryReason,
) -> bool:
    """Store the message's next state. Return False if the claim is lost, and the message keeps its state."""
    changed = await QUERIES.end_claim(
        connection,
        id=message_id,
        claimed_until=claimed_until,
        state=step.state.value,
        reason=reason.value,
        due_in_s=step.retry_in_s or 0.0,
    )
    return changed is not None

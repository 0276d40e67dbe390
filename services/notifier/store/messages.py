"""Stores messages and attempts in PostgreSQL: each attempt before it is made, and its receipt afterwards."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from database.sql_files import load_queries
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
from notifier.store.latches import QUEUE, TASK, defer_messages

QUERIES: Final = load_queries("notifier.store")

ORPHANS_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class NotDue:
    """The next attempt is not due before `due_at`, by the database's clock."""

    due_at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """The message is delivered or dead.

    If this call gave the message up, `given_up` is the message's channel, else None. A message is given up if
    its last attempt is ambiguous and no further attempt is allowed.
    """

    given_up: Channel | None = None


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """The message's state after an attempt.

    `due_at` is the time of the next attempt by the database's clock; None if no attempt follows.
    """

    state: MessageState
    due_at: datetime | None = None


class MessageStore:
    """Stores the messages and their attempts.

    A message's row in the table, not its job in the queue, decides whether the message is sent again.
    """

    def __init__(self, pool: asyncpg.Pool[Any], policy: RetryPolicy) -> None:
        self._pool = pool
        self._policy = policy

    async def begin_attempt(self, message_id: uuid.UUID) -> Attempt | NotDue | Ended:
        """Store the next attempt and return it. Return NotDue or Ended if there must be no attempt now.

        If a dead process left an attempt without a receipt, that attempt is closed as ambiguous. It counts
        towards the maximum number of attempts.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            message = await QUERIES.lock_message(connection, id=message_id)
            if message is None or message["ended"]:
                return Ended()
            if message["due_at"] > message["now"]:
                return NotDue(message["due_at"])
            last = await QUERIES.last_attempt(connection, id=message_id)
            if last is not None and last["open"]:
                step = await self._close_ambiguous(connection, message_id, last["number"])
                if step.state is MessageState.DEAD:
                    return Ended(Channel(message["channel"]))
            number = 1 if last is None else last["number"] + 1
            await QUERIES.put_attempt(connection, id=message_id, number=number)
            await self._set_state(connection, message_id, NextStep(MessageState.SENDING), None)
            alerts = [
                AlertEvidence(**dict(row)) async for row in QUERIES.alerts_of(connection, id=message_id)
            ]
            ambiguous = await QUERIES.ambiguous_before(connection, id=message_id, number=number)
        return Attempt(
            message_id,
            number,
            Channel(message["channel"]),
            message["recipient"],
            tuple(alerts),
            repeated=ambiguous > 0,
            began_at=message["now"],
        )

    async def end_attempt(self, attempt: Attempt, result: AttemptResult) -> DeliveryState:
        """Store the attempt's receipt and the message's next state."""
        due_at: datetime | None = None
        step = next_step(result, attempt.number, self._policy)
        async with self._pool.acquire() as connection, connection.transaction():
            message = await QUERIES.lock_message(connection, id=attempt.message_id)
            await QUERIES.end_attempt(
                connection,
                id=attempt.message_id,
                number=attempt.number,
                reason=result.reason.value,
                receipt=json.dumps(result.receipt),
            )
            if message is not None and not message["ended"]:
                due_at = await self._set_state(connection, attempt.message_id, step, result.reason)
        return DeliveryState(step.state, due_at if step.state is MessageState.RETRY else None)

    async def defer_orphans(self) -> int:
        """Add a job for each open message that has none, for at most ORPHANS_MAX messages.

        Return the number of messages found without a job.
        """
        found = QUERIES.without_job(self._pool, queue=QUEUE, task=TASK, ids_max=ORPHANS_MAX)
        rows = [row async for row in found]
        for row in rows:
            try:
                await defer_messages(self._pool, [row["id"]])
            except asyncpg.UniqueViolationError:
                continue  # another notifier has added the job
        return len(rows)

    async def open_messages(self) -> dict[str, int]:
        """Return the number of messages in each state except `delivered` and `dead`."""
        return {row["state"]: row["messages"] async for row in QUERIES.open_messages(self._pool)}

    async def _close_ambiguous(self, connection: Any, message_id: uuid.UUID, number: int) -> NextStep:
        reason = DeliveryReason.AMBIGUOUS
        await QUERIES.close_open_attempts(connection, id=message_id, reason=reason.value)
        step = next_step(AttemptResult(reason), number, self._policy)
        if step.state is MessageState.DEAD:
            await self._set_state(connection, message_id, step, reason)
        return step

    async def _set_state(
        self, connection: Any, message_id: uuid.UUID, step: NextStep, reason: DeliveryReason | None
    ) -> datetime | None:
        due_at: datetime | None = await QUERIES.set_message(
            connection,
            id=message_id,
            state=step.state.value,
            reason=reason and reason.value,
            due_in_s=step.retry_in_s or 0.0,
        )
        return due_at

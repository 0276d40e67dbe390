"""Messages and their attempts in PostgreSQL: an attempt is written before the call, its receipt after it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from database.queries import load_queries
from notifier.domain.alerts import Channel
from notifier.domain.delivery_policy import Policy, Reason, Result, State, Step, next_step
from notifier.store.latches import QUEUE, TASK, defer

QUERIES: Final = load_queries("notifier.store")

ORPHANS_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Told:
    """One alert with the evidence of its crossing, as the message tells it."""

    id: uuid.UUID
    crossing_id: uuid.UUID
    scope: str
    region: str
    rule: str
    measure: str
    threshold: int
    epoch: str
    epoch_name: str
    value: int
    count: int
    percent: int | None
    target: int | None
    cut: str
    as_of: datetime
    crossed_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """A send that was written down and may now be made."""

    message_id: uuid.UUID
    number: int
    channel: Channel
    recipient: str
    alerts: tuple[Told, ...]
    repeated: bool
    """An earlier attempt ended without a receipt: this may be the second time it arrives."""
    began_at: datetime
    """By the database's clock."""


@dataclass(frozen=True, slots=True)
class NotDue:
    """Nothing to send before this time of the database's clock."""

    due_at: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """What followed an attempt; `due_at`, by the database's clock, where another has to."""

    state: State
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing to send any more; `dead_now` where the last attempt was cut off and this look gave it up."""

    dead_now: Channel | None = None


class MessageStore:
    """The attempts of each message: the row, not the job, says whether a send is made, repeated or over."""

    def __init__(self, pool: asyncpg.Pool[Any], policy: Policy) -> None:
        self._pool = pool
        self._policy = policy

    async def begin(self, message_id: uuid.UUID) -> Attempt | NotDue | Ended:
        """Write down the next attempt. One left open by a dead process is closed as ambiguous and counts."""
        async with self._pool.acquire() as connection, connection.transaction():
            message = await QUERIES.lock_message(connection, id=message_id)
            if message is None or message["ended"]:
                return Ended()
            if message["due_at"] > message["now"]:
                return NotDue(message["due_at"])
            last = await QUERIES.last_attempt(connection, id=message_id)
            number = 1 if last is None else last["number"] + 1
            if last is not None and last["open"]:
                await QUERIES.close_open_attempts(connection, id=message_id, reason=Reason.AMBIGUOUS.value)
                if next_step(Result(Reason.AMBIGUOUS), last["number"], self._policy).state is State.DEAD:
                    await self._set(connection, message_id, Step(State.DEAD), Reason.AMBIGUOUS)
                    return Ended(Channel(message["channel"]))
            await QUERIES.put_attempt(connection, id=message_id, number=number)
            await self._set(connection, message_id, Step(State.SENDING), None)
            alerts = [Told(**dict(row)) async for row in QUERIES.alerts_of(connection, id=message_id)]
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

    async def end(self, attempt: Attempt, result: Result) -> Judged:
        """Write down the receipt and what follows from it."""
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
                due_at = await self._set(connection, attempt.message_id, step, result.reason)
        return Judged(step.state, due_at if step.state is State.RETRY else None)

    async def adopt_orphans(self) -> int:
        """Give a job to every open message that has none; returns how many."""
        found = QUERIES.without_job(self._pool, queue=QUEUE, task=TASK, ids_max=ORPHANS_MAX)
        rows = [row async for row in found]
        for row in rows:
            try:
                await defer(self._pool, [row["id"]])
            except asyncpg.UniqueViolationError:
                continue  # another notifier was faster
        return len(rows)

    async def open_messages(self) -> dict[str, int]:
        """How many messages stand in each state that is not an end."""
        return {row["state"]: row["messages"] async for row in QUERIES.open_messages(self._pool)}

    async def _set(
        self, connection: Any, message_id: uuid.UUID, step: Step, reason: Reason | None
    ) -> datetime | None:
        due_at: datetime | None = await QUERIES.set_message(
            connection,
            id=message_id,
            state=step.state.value,
            reason=reason and reason.value,
            due_in_s=step.retry_in_s or 0.0,
        )
        return due_at

"""Makes one attempt of one message: written down, sent, and its receipt written down."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from notifier import metrics
from notifier.domain.alerts import Channel, Recipient
from notifier.domain.delivery_policy import Reason, Result, State
from notifier.store.messages import Attempt, Ended, MessageStore, NotDue
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()


class Sender(Protocol):
    """One channel."""

    async def send(self, attempt: Attempt, recipient: Recipient) -> Result:
        """Send the message once. Every passing failure is a Result; what is raised is a fault of ours.

        Ends within the channel's time-out.
        """


class RetryLaterError(Exception):
    """The message is to be tried again from this time on, by the database's clock."""

    def __init__(self, due_at: datetime) -> None:
        super().__init__(f"again at {due_at.isoformat()}")
        self.due_at = due_at


class DeliverySender:
    """The attempts of all messages.

    Crash points: notifier.before_attempt, notifier.before_send, notifier.after_send, notifier.after_receipt.
    A process that dies between before_send and after_receipt leaves an attempt without a receipt: the next
    worker calls it ambiguous and sends again under the same ids. A webhook's receiver drops the repeat by
    its webhook-id; an e-mail says that it may be one.
    """

    def __init__(
        self,
        store: MessageStore,
        senders: Mapping[Channel, Sender],
        recipient: Callable[[str], Recipient | None],
    ) -> None:
        self._store = store
        self._senders = senders
        self._recipient = recipient
        self._in_flight: set[uuid.UUID] = set()

    def is_sending(self, message_id: uuid.UUID) -> bool:
        """Whether this process is at it now: then its job is in good hands, however late its heart beats."""
        return message_id in self._in_flight

    async def send_once(self, message_id: uuid.UUID) -> None:
        """Make the next attempt, if one is due. Raises RetryLaterError where another has to follow."""
        self._in_flight.add(message_id)
        try:
            await self._attempt(message_id)
        finally:
            self._in_flight.discard(message_id)

    async def _attempt(self, message_id: uuid.UUID) -> None:
        failpoint("notifier.before_attempt")
        attempt = await self._store.begin(message_id)
        if isinstance(attempt, Ended):
            if attempt.dead_now is not None:
                metrics.ENDED.labels(attempt.dead_now.value, State.DEAD.value).inc()
                log.warning("message given up", message=str(message_id), reason=Reason.AMBIGUOUS.value)
            return
        if isinstance(attempt, NotDue):
            raise RetryLaterError(attempt.due_at)
        failpoint("notifier.before_send")
        began_s = time.monotonic()
        result = await self._result(attempt)
        failpoint("notifier.after_send")
        judged = await self._store.end(attempt, result)
        failpoint("notifier.after_receipt")
        self._count(attempt, result, judged.state, time.monotonic() - began_s)
        if judged.due_at is not None:
            raise RetryLaterError(judged.due_at)

    async def _result(self, attempt: Attempt) -> Result:
        recipient = self._recipient(attempt.recipient)
        sender = self._senders.get(attempt.channel)
        if recipient is None or sender is None:
            return Result(Reason.NOT_CONFIGURED)
        try:
            return await sender.send(attempt, recipient)
        except Exception as error:  # one message's fault must not stop the others; bounded as any other
            log.error(  # noqa: TRY400 - a trace could hold an address
                "send failed",
                message=str(attempt.message_id),
                channel=attempt.channel.value,
                error=type(error).__name__,
            )
            return Result(Reason.FAILED, {"error": type(error).__name__})

    def _count(self, attempt: Attempt, result: Result, state: State, took_s: float) -> None:
        channel = attempt.channel.value
        metrics.ATTEMPTS.labels(channel, result.reason.value).inc()
        metrics.SEND_S.labels(channel).observe(took_s)
        if state in (State.DELIVERED, State.DEAD):
            metrics.ENDED.labels(channel, state.value).inc()
        if state is State.DELIVERED and attempt.alerts:
            told_s = (datetime.now(UTC) - attempt.alerts[0].crossed_at).total_seconds()
            metrics.TOLD_S.labels(channel).observe(max(told_s, 0.0))
        log.info(
            "attempt ended",
            message=str(attempt.message_id),
            recipient=attempt.recipient,
            attempt=attempt.number,
            alerts=len(attempt.alerts),
            reason=result.reason.value,
            state=state.value,
        )

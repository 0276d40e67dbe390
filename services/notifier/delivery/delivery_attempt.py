"""Makes one attempt to deliver a message: stores the attempt, sends, and stores the receipt."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from notifier import metrics
from notifier.domain.alert_evidence import Attempt
from notifier.domain.alerts import Channel, Recipient
from notifier.domain.delivery_policy import AttemptResult, DeliveryReason, MessageState
from notifier.store.messages import Ended, MessageStore, NotDue
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()


class Sender(Protocol):
    """Sends messages on one channel."""

    async def send(self, attempt: Attempt, recipient: Recipient) -> AttemptResult:
        """Send the message once, within the channel's time-out.

        Every foreseen failure is returned as an AttemptResult. An exception means a defect of the notifier.
        """


class RetryLaterError(Exception):
    """The message needs another attempt, which is due at `due_at` by the database's clock."""

    def __init__(self, due_at: datetime) -> None:
        super().__init__(f"again at {due_at.isoformat()}")
        self.due_at = due_at


class DeliverySender:
    """Makes the attempts of all messages.

    Failpoints: notifier.before_attempt, notifier.before_send, notifier.after_send, notifier.after_receipt.
    A process that dies between before_send and after_receipt leaves an attempt without a receipt. The next
    worker marks that attempt as ambiguous and sends the message again under the same ids. A webhook receiver
    can therefore drop the repeat by its webhook-id. A repeated e-mail says that it may be a repeat.
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
        """Whether this process is sending the message.

        If so, the upkeep task does not retry the message's job, even if the worker's heartbeat is late.
        """
        return message_id in self._in_flight

    async def send_once(self, message_id: uuid.UUID) -> None:
        """Make the next attempt if it is due.

        Raises RetryLaterError if the attempt is not due, or if another attempt must follow it.
        """
        self._in_flight.add(message_id)
        try:
            await self._attempt(message_id)
        finally:
            self._in_flight.discard(message_id)

    async def _attempt(self, message_id: uuid.UUID) -> None:
        failpoint("notifier.before_attempt")
        attempt = await self._store.begin_attempt(message_id)
        if isinstance(attempt, Ended):
            if attempt.given_up is not None:
                metrics.ENDED.labels(attempt.given_up.value, MessageState.DEAD.value).inc()
                log.warning(
                    "message given up", message=str(message_id), reason=DeliveryReason.AMBIGUOUS.value
                )
            return
        if isinstance(attempt, NotDue):
            raise RetryLaterError(attempt.due_at)
        failpoint("notifier.before_send")
        began_s = time.monotonic()
        result = await self._send(attempt)
        failpoint("notifier.after_send")
        delivery = await self._store.end_attempt(attempt, result)
        failpoint("notifier.after_receipt")
        self._report(attempt, result, delivery.state, time.monotonic() - began_s)
        if delivery.due_at is not None:
            raise RetryLaterError(delivery.due_at)

    async def _send(self, attempt: Attempt) -> AttemptResult:
        recipient = self._recipient(attempt.recipient)
        sender = self._senders.get(attempt.channel)
        if recipient is None or sender is None:
            return AttemptResult(DeliveryReason.NOT_CONFIGURED)
        try:
            return await sender.send(attempt, recipient)
        except Exception as error:  # a defect that one message triggers must not stop the others
            log.error(  # noqa: TRY400 - a traceback could contain an address
                "send failed",
                message=str(attempt.message_id),
                channel=attempt.channel.value,
                error=type(error).__name__,
            )
            return AttemptResult(DeliveryReason.FAILED, {"error": type(error).__name__})

    def _report(self, attempt: Attempt, result: AttemptResult, state: MessageState, took_s: float) -> None:
        """Update the metrics and log the attempt."""
        channel = attempt.channel.value
        metrics.ATTEMPTS.labels(channel, result.reason.value).inc()
        metrics.SEND_S.labels(channel).observe(took_s)
        if state in (MessageState.DELIVERED, MessageState.DEAD):
            metrics.ENDED.labels(channel, state.value).inc()
        if state is MessageState.DELIVERED and attempt.alerts:
            since_crossing_s = (datetime.now(UTC) - attempt.alerts[0].crossed_at).total_seconds()
            metrics.CROSSING_TO_DELIVERY_S.labels(channel).observe(max(since_crossing_s, 0.0))
        log.info(
            "attempt ended",
            message=str(attempt.message_id),
            recipient=attempt.recipient,
            attempt=attempt.number,
            alerts=len(attempt.alerts),
            reason=result.reason.value,
            state=state.value,
        )

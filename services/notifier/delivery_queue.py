"""The delivery queue: claims the due messages of each lane, and makes one attempt to send each of them."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, Protocol

from lifecycle.loops import run_forever
from lifecycle.run_until_stop import cancel_on_stop
from lifecycle.stop_signal import StopSignal
from notifier import metrics
from notifier.domain.alert_evidence import Attempt
from notifier.domain.alerts import Channel, Recipient
from notifier.domain.delivery_policy import ENDED, AttemptResult, DeliveryReason, MessageState
from notifier.store.messages import Lane, MessageStore, NotSent, OpenMessages
from telemetry.failpoints import failpoint
from telemetry.logs import get

POLL_S: Final = 1.0
"""The interval at which the queue looks for due retries, ended silences and expired claims."""
STOP_S: Final = 10.0
"""The time that attempts in progress get at the stop."""
CLAIM_MARGIN_S: Final = 5.0
"""The time beyond a channel's time-out that a claim lasts, so that the receipt can be stored under it."""

log = get()


class Sender(Protocol):
    """Sends messages on one channel."""

    @property
    def send_s_max(self) -> float:
        """The longest time that `send` takes."""

    async def send(self, attempt: Attempt, recipient: Recipient) -> AttemptResult:
        """Send the message once, within the channel's time-out.

        Every foreseen failure is returned as an AttemptResult. An exception means a defect of the notifier.
        """


class DeliveryQueue:
    """Sends the due messages, each lane independently of the others.

    A lane has runners, each of which claims one message after another. A receiver that hangs therefore delays
    only its own lane. A webhook whose last call failed gets one call at a time from this process.

    Failpoints: notifier.before_attempt, notifier.before_send, notifier.after_send, notifier.after_receipt.
    A process that dies between before_send and after_receipt leaves a claim, and an attempt without a
    receipt. After the claim has expired, the next process marks that attempt as ambiguous and sends the
    message again under the same ids. A webhook receiver can therefore drop the repeat by its webhook-id. A
    repeated e-mail says that it may be a repeat.
    """

    def __init__(
        self,
        store: MessageStore,
        senders: Mapping[Channel, Sender],
        recipient: Callable[[str], Recipient | None],
        at_once_max: int,
        poll_s: float = POLL_S,
    ) -> None:
        self._store = store
        self._senders = senders
        self._recipient = recipient
        self._at_once_max = at_once_max
        self._poll_s = poll_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._runners: Counter[Lane] = Counter()
        self._failing: set[Lane] = set()
        self._is_open = True
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for due messages now, because new ones were stored."""
        self._wake.set()

    async def deliver_until_stopped(self, stopping: StopSignal) -> None:
        """Send due messages until the stop. Attempts in progress then get STOP_S to end."""
        try:
            delivering = run_forever(self._start_when_due, stopping, name="deliver", failing_s_max=math.inf)
            await cancel_on_stop(delivering, stopping)
        finally:
            self._is_open = False
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=STOP_S)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _start_when_due(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self._poll_s)
        self._wake.clear()
        await self.start_runners_once()

    async def start_runners_once(self) -> None:
        """Start a runner for each due message, within the limit of its lane.

        Raises the exception of a runner that has failed. The message of that runner stays claimed.
        """
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.discard(task)
            task.result()
        open_messages = await self._store.open_messages()
        _update_open_gauge(open_messages)
        metrics.WEBHOOKS_DISABLED.set(await self._store.count_disabled_webhooks())
        for row in open_messages:
            free = self._limit(row.lane) - self._runners[row.lane]
            for _ in range(min(row.due, free)):
                self._runners[row.lane] += 1
                self._tasks.add(asyncio.create_task(self._run(row.lane)))

    async def _run(self, lane: Lane) -> None:
        """Make attempts until no message of the lane is due, or the lane has more runners than its limit."""
        try:
            while self._is_open and self._runners[lane] <= self._limit(lane):
                if not await self.send_next_once(lane):
                    break
        finally:
            self._runners[lane] -= 1

    def _limit(self, lane: Lane) -> int:
        return 1 if lane in self._failing else self._at_once_max

    async def send_next_once(self, lane: Lane) -> bool:
        """Make an attempt for the message that has been due longest. Return False if no message is due."""
        failpoint("notifier.before_attempt")
        sender = self._senders[lane.channel]
        attempt = await self._store.begin_attempt(lane, sender.send_s_max + CLAIM_MARGIN_S)
        if attempt is None:
            return False
        if isinstance(attempt, NotSent):
            _report_not_sent(lane, attempt)
            return True
        failpoint("notifier.before_send")
        began_s = time.monotonic()
        result = await self._send(attempt, sender)
        failpoint("notifier.after_send")
        state = await self._store.end_attempt(attempt, result)
        failpoint("notifier.after_receipt")
        if lane.channel is Channel.WEBHOOK:
            self._note_result(lane, result)
        _report(attempt, result, state, time.monotonic() - began_s)
        return True

    async def _send(self, attempt: Attempt, sender: Sender) -> AttemptResult:
        if attempt.is_disabled:
            return AttemptResult(DeliveryReason.DISABLED)
        recipient = self._recipient(attempt.recipient)
        if recipient is None:
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

    def _note_result(self, lane: Lane, result: AttemptResult) -> None:
        if result.reason is DeliveryReason.ACCEPTED:
            self._failing.discard(lane)
        else:
            self._failing.add(lane)


def _update_open_gauge(open_messages: Sequence[OpenMessages]) -> None:
    for state in MessageState:
        if state not in ENDED:
            metrics.OPEN.labels(state.value).set(
                sum(row.messages for row in open_messages if row.state is state)
            )


def _report_not_sent(lane: Lane, message: NotSent) -> None:
    if message.state in ENDED:
        metrics.ENDED.labels(lane.channel.value, message.state.value).inc()
    log.info("message not sent", message=str(message.message_id), state=message.state.value)


def _report(attempt: Attempt, result: AttemptResult, state: MessageState | None, took_s: float) -> None:
    """Update the metrics and log the attempt."""
    channel = attempt.channel.value
    metrics.ATTEMPTS.labels(channel, result.reason.value).inc()
    metrics.SEND_S.labels(channel).observe(took_s)
    if state in ENDED:
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
        state="claim_lost" if state is None else state.value,
    )

"""The model's notifier and sender processes, their database in memory, and a receiver of messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, cast
from uuid import UUID

from cuts.missed_full import MissedFull
from notifier.cut_evaluator import CutEvaluator
from notifier.delivery_queue import DeliveryQueue
from notifier.domain.alert_evidence import Attempt
from notifier.domain.alerts import Channel, Message, Recipient, crossing_id, plan_messages
from notifier.domain.delivery_policy import (
    ENDED,
    AttemptResult,
    DeliveryReason,
    MessageState,
    RetryPolicy,
    Series,
    next_step,
)
from notifier.domain.evaluation_progress import Advance, EvaluatedCut
from notifier.domain.milestones import Crossing, LatchKey, LatchState, Retraction
from notifier.domain.rules import At, Key
from notifier.rules_file.reader import Rules
from notifier.store.messages import Lane, MessageStore
from tests.model.process_driver import CoroutineDriver, InjectedFailureError, InterruptionPoint, Process
from tests.model.publishers import CutLog
from tests.support.samples.milestones import AS_OF, evidence, official, rule, webhook

THRESHOLDS = (1, 2, 3, 4)
POLICY = RetryPolicy(ambiguous_max=1_000)
"""No message is given up, because the model does not check giving up."""
RULES = Rules(
    rules=(
        rule("province", thresholds=At(THRESHOLDS), regions=frozenset({"31"})),
        rule("city", thresholds=At(THRESHOLDS[:2]), level="city"),
    ),
    titles={},
    epochs={},
    recipients=(official(within=("31",)), webhook()),
    targets={},
)


class ReceiverBehaviour(Enum):
    """How the receiver responds to a message."""

    TAKES = "takes"
    REFUSES = "refuses"
    HANGS = "hangs"
    """The receiver accepts the message, and the sender gets no response."""


@dataclass
class Receiver:
    """The mail server and the webhooks. `delivered` has, by alert id, how often the alert was delivered."""

    behaviour: ReceiverBehaviour = ReceiverBehaviour.TAKES
    delivered: Counter[UUID] = field(default_factory=Counter)

    def handle(self, attempt: Attempt) -> AttemptResult:
        """Respond to one message as `behaviour` says."""
        if self.behaviour is ReceiverBehaviour.REFUSES:
            return AttemptResult(DeliveryReason.ERROR_ANSWERED)
        self.delivered.update(alert.id for alert in attempt.alerts)
        if self.behaviour is ReceiverBehaviour.HANGS:
            return AttemptResult(DeliveryReason.TIMED_OUT)
        return AttemptResult(DeliveryReason.ACCEPTED)


@dataclass
class StoredMessage:
    """A stored message with the result of each attempt. The result is None while the attempt is open."""

    message: Message
    state: MessageState = MessageState.INTENT
    attempts: list[DeliveryReason | None] = field(default_factory=list)


class NotifierDatabase:
    """The notifier's database: latches, alerts and messages."""

    def __init__(self) -> None:
        self.rows: list[Crossing] = []
        self.ids: set[object] = set()
        self.alerts: dict[UUID, tuple[LatchKey, str]] = {}
        """The latch and the recipient of each alert, by alert id."""
        self.messages: dict[UUID, StoredMessage] = {}
        self.evaluated: EvaluatedCut | None = None
        self.first_evaluated: EvaluatedCut | None = None

    def advance(self, advance: Advance) -> bool:
        """Move the evaluated cut unless another notifier has moved it; return whether it moved."""
        if self.evaluated is not None and self.evaluated != advance.known:
            return False
        self.evaluated = advance.to
        self.first_evaluated = self.first_evaluated or advance.to
        return True

    def known(self) -> dict[LatchKey, LatchState]:
        """Return all latches, as the evaluator reads them."""
        return {row.key: LatchState(row.number) for row in self.rows}

    def put(self, crossings: Sequence[Crossing]) -> list[Crossing]:
        """Latch the crossings that are not latched yet, and return these crossings."""
        new = [crossing for crossing in crossings if self.is_new(crossing_id(crossing))]
        self.rows += new
        return new

    def is_new(self, id: object) -> bool:  # noqa: A002 - the field's name
        """Return whether the id is new, and store it."""
        known = len(self.ids)
        self.ids.add(id)
        return len(self.ids) > known

    def record(self, crossings: Sequence[Crossing], recipients: Sequence[Recipient]) -> list[Crossing]:
        """Latch new crossings and store their alerts and messages, atomically; return the new crossings."""
        new = self.put(crossings)
        keys = {crossing_id(crossing): crossing.key for crossing in new}
        for message in plan_messages(new, recipients):
            self.messages.setdefault(message.id, StoredMessage(message))
            for alert in message.alerts:
                self.alerts.setdefault(alert.id, (keys[alert.crossing_id], alert.recipient))
        return new

    @property
    def open(self) -> list[StoredMessage]:
        """The messages that are not delivered yet."""
        return [sent for sent in self.messages.values() if sent.state not in ENDED]


class _LatchClient:
    """One process's access to the latches; see `notifier.cut_evaluator.LatchStorePort`."""

    def __init__(self, latches: NotifierDatabase, interruption_point: InterruptionPoint) -> None:
        self._latches = latches
        self._interruption_point = interruption_point

    async def latches(self) -> dict[LatchKey, LatchState]:
        await self._interruption_point()
        return self._latches.known()

    async def bases(self) -> dict[str, dict[Key, int]]:
        return {}

    async def open_epoch(self, name: str, cut: str, counts: Mapping[Key, int]) -> None:
        raise AssertionError("no rule here has an epoch of its own")

    async def evaluated_cut(self) -> EvaluatedCut | None:
        await self._interruption_point()
        return self._latches.evaluated

    async def advance(self, advance: Advance) -> bool:
        await self._interruption_point()
        return self._latches.advance(advance)

    async def confirm(self, latches: Sequence[LatchKey], register_epoch: int) -> None:
        raise AssertionError("no rule here has a margin")

    async def record(
        self,
        crossings: Sequence[Crossing],
        retractions: Sequence[Retraction],
        recipients: Sequence[Recipient],
        advance: Advance | None = None,
    ) -> list[Crossing] | None:
        await self._interruption_point()
        if advance is not None and not self._latches.advance(advance):
            return None
        new = self._latches.record(crossings, recipients)
        await self._interruption_point()
        return new


class Notifier(Process):
    """Reads the cuts and latches their crossings."""

    def __init__(self, latches: NotifierDatabase, log: CutLog) -> None:
        super().__init__(CoroutineDriver())
        self._latches = latches
        self._log = log
        self.reset()

    def reset(self) -> None:
        self.evaluator = CutEvaluator(RULES, _LatchClient(self._latches, self.driver.interruption_point))
        self._offset: int | None = None
        self._missed_full = MissedFull()
        self._is_held_evaluated = True

    def work(self, choice: int) -> Coroutine[Any, Any, None]:
        return self._work(1 + choice % 8)

    def read_all(self) -> None:
        """Run rounds of work until the notifier has read all records."""
        self.run(7)
        while self._offset is not None and self._offset < len(self._log.records):
            self.run(7)

    async def _work(self, records_max: int) -> None:
        with suppress(InjectedFailureError):
            if self._offset is None or not self._is_held_evaluated:
                await self.evaluator.evaluate_once()
                self._is_held_evaluated = True
            if self._offset is None:
                self._offset = await self._start()
            for _ in range(records_max):
                if self._offset == len(self._log.records):
                    return
                record = self._log.records[self._offset]
                self.evaluator.apply(record, self._offset)
                again_from = self._missed_full.seek_after(record)
                self._offset = self._offset + 1 if again_from is None else again_from
                self._is_held_evaluated = False
                await self.evaluator.evaluate_once()
                self._is_held_evaluated = True

    async def _start(self) -> int:
        """Return the offset to read from, as `notifier.cut_follower` does; the log keeps all records."""
        evaluated = await self.evaluator.last_evaluated()
        if evaluated is not None:
            return evaluated.full_offset
        self.evaluator.start_again()
        return self._log.start()


class _MessageClient:
    """One process's access to messages and attempts; see `notifier.store.messages.MessageStore`.

    Every open message is due, and a claim may have expired at any time. `choice` selects the message.
    """

    choice = 0

    def __init__(self, latches: NotifierDatabase, interruption_point: InterruptionPoint) -> None:
        self._latches = latches
        self._interruption_point = interruption_point

    async def begin_attempt(self, lane: Lane, _claim_s: float) -> Attempt | None:
        await self._interruption_point()
        due = [sent for sent in self._latches.open if sent.message.channel is lane.channel]
        if not due:
            return None
        sent = due[self.choice % len(due)]
        if sent.attempts and sent.attempts[-1] is None:
            sent.attempts[-1] = DeliveryReason.AMBIGUOUS
        sent.attempts.append(None)
        sent.state = MessageState.SENDING
        await self._interruption_point()
        message = sent.message
        alerts = tuple(evidence(id=alert.id, crossing_id=alert.crossing_id) for alert in message.alerts)
        repeated = DeliveryReason.AMBIGUOUS in sent.attempts
        number = len(sent.attempts)
        series = Series(number)
        return Attempt(
            message.id, number, lane.channel, message.recipient, alerts, repeated, False, AS_OF, series, AS_OF
        )

    async def end_attempt(self, attempt: Attempt, result: AttemptResult) -> MessageState | None:
        await self._interruption_point()
        state = next_step(result, attempt.channel, attempt.series, POLICY).state
        sent = self._latches.messages[attempt.message_id]
        sent.attempts[attempt.number - 1] = result.reason
        is_claimed = attempt.number == len(sent.attempts)
        is_changed = sent.state not in ENDED and (is_claimed or state is MessageState.DELIVERED)
        if is_changed:
            sent.state = state
        await self._interruption_point()
        return state if is_changed else None


class Sender(Process):
    """Attempts to deliver the open messages, one after another."""

    send_s_max = 5.0

    def __init__(self, latches: NotifierDatabase, receiver: Receiver) -> None:
        super().__init__(CoroutineDriver())
        self._latches = latches
        self._receiver = receiver
        self.reset()

    def reset(self) -> None:
        self._messages = _MessageClient(self._latches, self.driver.interruption_point)
        # DeliveryQueue expects the PostgreSQL class, but an attempt calls only the two methods above.
        store = cast("MessageStore", self._messages)
        self._queue = DeliveryQueue(store, dict.fromkeys(Channel, self), RULES.recipient, at_once_max=1)

    async def send(self, attempt: Attempt, _recipient: Recipient) -> AttemptResult:
        """Send one message to the receiver; see `notifier.delivery_queue.Sender`."""
        await self.driver.interruption_point()
        result = self._receiver.handle(attempt)
        await self.driver.interruption_point()
        return result

    def work(self, choice: int) -> Coroutine[Any, Any, None]:
        return self._work(choice)

    async def _work(self, choice: int) -> None:
        waiting = self._latches.open
        if not waiting:
            return
        message = waiting[choice % len(waiting)].message
        self._messages.choice = choice
        with suppress(InjectedFailureError):
            await self._queue.send_next_once(Lane(message.recipient, message.channel))

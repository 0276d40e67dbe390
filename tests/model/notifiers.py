"""The notifier in memory: latches, messages and their attempts; the processes that write them; a receiver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, cast
from uuid import UUID

from cuts.records import CutRecord
from notifier.cut_evaluator import CutEvaluator
from notifier.delivery.sender import DeliverySender, RetryLaterError
from notifier.domain.alerts import Channel, Message, Recipient, crossing_id, plan_messages
from notifier.domain.attempts import Attempt
from notifier.domain.delivery_policy import (
    ENDED,
    AttemptResult,
    DeliveryReason,
    MessageState,
    RetryPolicy,
    next_step,
)
from notifier.domain.milestones import Crossing, LatchKey, LatchState, Retraction
from notifier.domain.rules import At, Key
from notifier.rules_file.reader import Rules
from notifier.store.messages import DeliveryState, Ended, MessageStore, NotDue
from tests.model.interruption_points import ByHand, CutError, Here, Process
from tests.model.publishers import CutLog
from tests.support.samples.milestones import AS_OF, evidence, official, rule, webhook

THRESHOLDS = (1, 2, 3, 4)
POLICY = RetryPolicy(attempts_max=1_000)
"""Giving up is not what is looked at here."""
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


class Answer(Enum):
    """What the receiver does with a call."""

    TAKES = "takes"
    REFUSES = "refuses"
    HANGS = "hangs"
    """It has taken it, and nobody hears so."""


@dataclass
class Receiver:
    """Mail server and webhooks: what was delivered, by alert id."""

    answer: Answer = Answer.TAKES
    delivered: Counter[UUID] = field(default_factory=Counter)

    def take(self, attempt: Attempt) -> AttemptResult:
        """One call."""
        if self.answer is Answer.REFUSES:
            return AttemptResult(DeliveryReason.ERROR_ANSWERED)
        self.delivered.update(alert.id for alert in attempt.alerts)
        if self.answer is Answer.HANGS:
            return AttemptResult(DeliveryReason.TIMED_OUT)
        return AttemptResult(DeliveryReason.ACCEPTED)


@dataclass
class Sent:
    """A message's row, with its attempts: None while one is open."""

    message: Message
    state: MessageState = MessageState.INTENT
    attempts: list[DeliveryReason | None] = field(default_factory=list)


class Latches:
    """The notifier's database: latches, alerts and messages."""

    def __init__(self) -> None:
        self.rows: list[Crossing] = []
        self.ids: set[object] = set()
        self.alerts: dict[UUID, tuple[LatchKey, str]] = {}
        """By alert id: what for, and for whom."""
        self.messages: dict[UUID, Sent] = {}

    def known(self) -> dict[LatchKey, LatchState]:
        """All latches, as the rules see them."""
        return {row.key: LatchState(row.number) for row in self.rows}

    def put(self, crossings: Sequence[Crossing]) -> list[Crossing]:
        """Latch what is not latched yet; the rows that are new."""
        new = [crossing for crossing in crossings if self.is_new(crossing_id(crossing))]
        self.rows += new
        return new

    def is_new(self, id: object) -> bool:  # noqa: A002 - it is called an id everywhere
        """Note an id; whether nobody had it before."""
        known = len(self.ids)
        self.ids.add(id)
        return len(self.ids) > known

    def record(self, crossings: Sequence[Crossing], recipients: Sequence[Recipient]) -> list[Crossing]:
        """One transaction."""
        new = self.put(crossings)
        keys = {crossing_id(crossing): crossing.key for crossing in new}
        for message in plan_messages(new, recipients):
            self.messages.setdefault(message.id, Sent(message))
            for alert in message.alerts:
                self.alerts.setdefault(alert.id, (keys[alert.crossing_id], alert.recipient))
        return new

    @property
    def open(self) -> list[Sent]:
        """The messages that were not delivered."""
        return [sent for sent in self.messages.values() if sent.state not in ENDED]


class _Asked:
    """The latches as one process asks for them; see `notifier.cut_evaluator.LatchStorePort`."""

    def __init__(self, latches: Latches, here: Here) -> None:
        self._latches = latches
        self._here = here

    async def latches(self) -> dict[LatchKey, LatchState]:
        await self._here()
        return self._latches.known()

    async def bases(self) -> dict[str, dict[Key, int]]:
        return {}

    async def open_epoch(self, name: str, cut: str, counts: Mapping[Key, int]) -> None:
        raise AssertionError("no rule here has an epoch of its own")

    async def record(
        self,
        crossings: Sequence[Crossing],
        retractions: Sequence[Retraction],
        recipients: Sequence[Recipient],
    ) -> list[Crossing]:
        await self._here()
        new = self._latches.record(crossings, recipients)
        await self._here()
        return new


class Notifier(Process):
    """Follows the cuts and latches what they cross."""

    def __init__(self, latches: Latches, log: CutLog) -> None:
        super().__init__(ByHand())
        self._latches = latches
        self._log = log
        self.begin_anew()

    def begin_anew(self) -> None:
        self.evaluator = CutEvaluator(RULES, _Asked(self._latches, self.driver.here))
        self._offset: int | None = None

    def work(self, what: int) -> Coroutine[Any, Any, None]:
        return self._work(1 + what % 8)

    def read_all(self) -> None:
        """Rounds up to the end of what there is."""
        self.run(7)
        while self._offset is not None and self._offset < len(self._log.records):
            self.run(7)

    async def _work(self, records_max: int) -> None:
        if self._offset is None:
            self._offset = self._log.start()
        records: Sequence[CutRecord] = self._log.records[self._offset : self._offset + records_max]
        self._offset += len(records)
        for record in records:
            self.evaluator.apply(record)
        with suppress(CutError):
            await self.evaluator.evaluate_once()


class _Messages:
    """Messages and attempts as one process asks for them; see `notifier.store.messages.MessageStore`."""

    def __init__(self, latches: Latches, here: Here) -> None:
        self._latches = latches
        self._here = here

    async def begin_attempt(self, message_id: UUID) -> Attempt | NotDue | Ended:
        await self._here()
        sent = self._latches.messages[message_id]
        if sent.state in ENDED:
            return Ended()
        if sent.attempts and sent.attempts[-1] is None:
            sent.attempts[-1] = DeliveryReason.AMBIGUOUS
        sent.attempts.append(None)
        sent.state = MessageState.SENDING
        await self._here()
        message = sent.message
        alerts = tuple(evidence(id=alert.id, crossing_id=alert.crossing_id) for alert in message.alerts)
        repeated = DeliveryReason.AMBIGUOUS in sent.attempts
        return Attempt(
            message_id, len(sent.attempts), message.channel, message.recipient, alerts, repeated, AS_OF
        )

    async def end_attempt(self, attempt: Attempt, result: AttemptResult) -> DeliveryState:
        await self._here()
        step = next_step(result, attempt.number, POLICY)
        sent = self._latches.messages[attempt.message_id]
        sent.attempts[attempt.number - 1] = result.reason
        if sent.state not in ENDED:
            sent.state = step.state
        await self._here()
        return DeliveryState(step.state, AS_OF if step.state is MessageState.RETRY else None)


class Sender(Process):
    """Makes the attempts of the open messages, one after another."""

    def __init__(self, latches: Latches, receiver: Receiver) -> None:
        super().__init__(ByHand())
        self._latches = latches
        self._receiver = receiver
        self.begin_anew()

    def begin_anew(self) -> None:
        # A store of PostgreSQL by name, whose two methods used here are these.
        messages = cast("MessageStore", _Messages(self._latches, self.driver.here))
        channels = dict.fromkeys(Channel, self)
        self._sending = DeliverySender(messages, channels, RULES.recipient)

    async def send(self, attempt: Attempt, _recipient: Recipient) -> AttemptResult:
        """One call to the receiver; see `notifier.delivery.sender.Sender`."""
        await self.driver.here()
        result = self._receiver.take(attempt)
        await self.driver.here()
        return result

    def work(self, what: int) -> Coroutine[Any, Any, None]:
        return self._work(what)

    async def _work(self, what: int) -> None:
        waiting = self._latches.open
        if not waiting:
            return
        message_id = waiting[what % len(waiting)].message.id
        with suppress(CutError, RetryLaterError):
            await self._sending.send_once(message_id)

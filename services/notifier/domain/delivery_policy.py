"""The delivery policy: whether a message is delivered, retried or given up after an attempt.

The functions do no I/O and read no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from notifier.domain.alerts import Channel


class DeliveryReason(Enum):
    """How an attempt ended. Logs, metrics, receipts and tests use the same word for it."""

    ACCEPTED = "accepted"
    """The mail server or the webhook accepted the message."""
    ERROR_ANSWERED = "error_answered"
    """The webhook responded with an error status."""
    ASKED_TO_WAIT = "asked_to_wait"
    """The webhook responded with 429 or 503 and a Retry-After header."""
    REDIRECTED = "redirected"
    """The webhook responded with a redirect, which is not followed."""
    GONE = "gone"
    """The webhook responded with 410, which means that it accepts no more calls."""
    DISABLED = "disabled"
    """The webhook was not called, because it had responded with 410 to an earlier call."""
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    DEFERRED = "deferred"
    """The mail server replied with 4xx, or refused the connection, the login or the sender."""
    REFUSED = "refused"
    """The mail server replied with 5xx to the recipient or the content."""
    ADDRESS_REFUSED = "address_refused"
    """The webhook's host name resolves to a private address that the settings do not allow."""
    NOT_CONFIGURED = "not_configured"
    """The recipient is no longer in the rules or the settings."""
    AMBIGUOUS = "ambiguous"
    """It is unknown whether the message was sent: the process died, or no reply to the e-mail arrived."""
    FAILED = "failed"
    """The notifier itself failed while sending."""


FINAL_REFUSALS: Final = frozenset(
    {
        DeliveryReason.REFUSED,
        DeliveryReason.GONE,
        DeliveryReason.DISABLED,
        DeliveryReason.ADDRESS_REFUSED,
        DeliveryReason.NOT_CONFIGURED,
    }
)
"""The reasons after which a retry cannot succeed."""


class MessageState(Enum):
    """The state of a message."""

    INTENT = "intent"
    """Stored, and not attempted yet."""
    HELD = "held"
    """A silence holds the message."""
    SENDING = "sending"
    RETRY = "retry"
    DELIVERED = "delivered"
    DEAD = "dead"
    """The message was given up."""
    UNCONFIRMED = "unconfirmed"
    """The message was given up, because it may have arrived more than once already."""
    DISCARDED = "discarded"
    """An operator decided that a given-up message needs no further attempt."""
    MERGED = "merged"
    """Another message has the alerts of this one: after a silence, one letter joins all held e-mails."""


GIVEN_UP: Final = frozenset({MessageState.DEAD, MessageState.UNCONFIRMED})
"""The states in which the recipient's next channel is used, and an operator decides about the message."""
ENDED: Final = GIVEN_UP | {MessageState.DELIVERED, MessageState.DISCARDED, MessageState.MERGED}


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended.

    `receipt` has facts about the server's response or the error, without any address. `retry_after_s` is the
    delay that a Retry-After header requested.
    """

    reason: DeliveryReason
    receipt: dict[str, Any] = field(default_factory=dict)
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long a message is retried, and the delays between its attempts.

    An attempt that fails `retried_s` after the first one, or later, is the last. After `ambiguous_max`
    ambiguous attempts an e-mail is not sent again.
    """

    retried_s: float = 172_800.0
    retry_delay_s: float = 2.0
    retry_delay_s_max: float = 3600.0
    ambiguous_max: int = 2

    def delay_s(self, attempt: int) -> float:
        """Return the delay after attempt number `attempt`. It grows fourfold, up to `retry_delay_s_max`."""
        return min(self.retry_delay_s * 4.0 ** min(attempt - 1, 16), self.retry_delay_s_max)


@dataclass(frozen=True, slots=True)
class Series:
    """The attempts since the message was stored or replayed, up to the current one.

    `number` is the number of the current attempt in the series, `ambiguous` the number of earlier attempts
    that were ambiguous, and `age_s` the time since the first attempt.
    """

    number: int = 1
    ambiguous: int = 0
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class NextStep:
    """The message's state after an attempt. `retry_in_s` is None unless the state is RETRY."""

    state: MessageState
    retry_in_s: float | None = None


def next_step(result: AttemptResult, channel: Channel, series: Series, policy: RetryPolicy) -> NextStep:
    """Return the message's state after the current attempt of the series.

    If the server requested a longer delay than the policy's, that delay is used.
    """
    if result.reason is DeliveryReason.ACCEPTED:
        return NextStep(MessageState.DELIVERED)
    if result.reason in FINAL_REFUSALS:
        return NextStep(MessageState.DEAD)
    # A webhook recognises a repeated call by its id, so only e-mails are limited.
    is_ambiguous = result.reason is DeliveryReason.AMBIGUOUS and channel is Channel.EMAIL
    if is_ambiguous and series.ambiguous + 1 >= policy.ambiguous_max:
        return NextStep(MessageState.UNCONFIRMED)
    if series.age_s >= policy.retried_s:
        return NextStep(MessageState.DEAD)
    return NextStep(MessageState.RETRY, max(policy.delay_s(series.number), result.retry_after_s or 0.0))

"""The delivery policy: whether a message is delivered, retried or given up after an attempt.

The functions do no I/O and read no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final


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


ENDED: Final = frozenset({MessageState.DELIVERED, MessageState.DEAD})


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
    """How many attempts a message gets, and the delays between them."""

    attempts_max: int = 10
    retry_delay_s: float = 2.0
    retry_delay_s_max: float = 900.0
    retry_after_s_max: float = 3600.0


@dataclass(frozen=True, slots=True)
class NextStep:
    """The message's state after an attempt. `retry_in_s` is None unless the state is RETRY."""

    state: MessageState
    retry_in_s: float | None = None


def next_step(result: AttemptResult, attempt: int, policy: RetryPolicy) -> NextStep:
    """Return the message's state after attempt number `attempt`; the first attempt is number 1.

    The delay before the next attempt grows fourfold with each attempt, up to `retry_delay_s_max`. If the
    server requested a longer delay, that delay is used, up to `retry_after_s_max`.
    """
    if result.reason is DeliveryReason.ACCEPTED:
        return NextStep(MessageState.DELIVERED)
    if result.reason in FINAL_REFUSALS or attempt >= policy.attempts_max:
        return NextStep(MessageState.DEAD)
    doublings = min(2 * (attempt - 1), 32)
    delay_s = min(policy.retry_delay_s * 2**doublings, policy.retry_delay_s_max)
    requested_s = min(result.retry_after_s or 0.0, policy.retry_after_s_max)
    return NextStep(MessageState.RETRY, max(delay_s, requested_s))

"""What follows from an attempt: delivered, tried again later, or given up, and why.

Pure: no clock, no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final


class Reason(Enum):
    """How an attempt ended, in the word that logs, metrics, receipts and tests use."""

    ACCEPTED = "accepted"
    """The mail server or the webhook took it."""
    ERROR_ANSWERED = "error_answered"
    """The webhook answered with an error."""
    ASKED_TO_WAIT = "asked_to_wait"
    """The webhook answered 429 or 503 with Retry-After."""
    REDIRECTED = "redirected"
    """The webhook answered with a redirect; none is followed."""
    GONE = "gone"
    """The webhook answered 410: it wants no more."""
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    NOT_ACCEPTED = "not_accepted"
    """The mail server was not there or did not take it."""
    ADDRESS_REFUSED = "address_refused"
    """The webhook's name leads to a private address that the settings do not allow."""
    NOT_CONFIGURED = "not_configured"
    """The recipient no longer stands in the rules or the settings."""
    AMBIGUOUS = "ambiguous"
    """The process ended between the attempt and its receipt: nobody knows whether it was sent."""
    FAILED = "failed"
    """A fault of ours while sending."""


FINAL_REFUSALS: Final = frozenset({Reason.GONE, Reason.ADDRESS_REFUSED, Reason.NOT_CONFIGURED})


class State(Enum):
    """Where a message stands."""

    INTENT = "intent"
    HELD = "held"
    SENDING = "sending"
    RETRY = "retry"
    DELIVERED = "delivered"
    DEAD = "dead"


ENDED: Final = frozenset({State.DELIVERED, State.DEAD})


@dataclass(frozen=True, slots=True)
class Result:
    """How an attempt ended; the receipt holds what the other side said, and never an address."""

    reason: Reason
    receipt: dict[str, Any] = field(default_factory=dict)
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """How often and how fast is tried again."""

    attempts_max: int = 10
    retry_delay_s: float = 2.0
    retry_delay_s_max: float = 900.0
    retry_after_s_max: float = 3600.0


@dataclass(frozen=True, slots=True)
class Step:
    """The state that follows; `retry_in_s` only with RETRY."""

    state: State
    retry_in_s: float | None = None


def next_step(result: Result, attempt: int, policy: Policy) -> Step:
    """What follows the attempt of this number (from 1).

    The delay doubles twice per attempt up to its bound; a longer Retry-After is honoured up to its own.
    """
    if result.reason is Reason.ACCEPTED:
        return Step(State.DELIVERED)
    if result.reason in FINAL_REFUSALS or attempt >= policy.attempts_max:
        return Step(State.DEAD)
    doublings = min(2 * (attempt - 1), 32)
    delay_s = min(policy.retry_delay_s * 2**doublings, policy.retry_delay_s_max)
    asked_s = min(result.retry_after_s or 0.0, policy.retry_after_s_max)
    return Step(State.RETRY, max(delay_s, asked_s))

"""Tests whether a message is delivered, retried or given up after an attempt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.delivery_policy import (
    ENDED,
    FINAL_REFUSALS,
    AttemptResult,
    DeliveryReason,
    MessageState,
    NextStep,
    RetryPolicy,
    next_step,
)

POLICY = RetryPolicy(attempts_max=4, retry_delay_s=1.0, retry_delay_s_max=10.0, retry_after_s_max=60.0)


def test_an_accepted_message_is_delivered() -> None:
    assert next_step(AttemptResult(DeliveryReason.ACCEPTED), 4, POLICY) == NextStep(MessageState.DELIVERED)


def test_the_delay_grows_up_to_its_bound() -> None:
    timed_out = AttemptResult(DeliveryReason.TIMED_OUT)

    delays = [next_step(timed_out, attempt, POLICY).retry_in_s for attempt in (1, 2, 3)]

    assert delays == [1.0, 4.0, 10.0]


def test_a_longer_retry_after_is_honoured_up_to_its_bound() -> None:
    delays = [
        next_step(AttemptResult(DeliveryReason.ASKED_TO_WAIT, retry_after_s=seconds), 1, POLICY).retry_in_s
        for seconds in (0.5, 7.0, 9999.0)
    ]

    assert delays == [1.0, 7.0, 60.0]


def test_a_failed_last_attempt_ends_the_message() -> None:
    assert next_step(AttemptResult(DeliveryReason.UNREACHABLE), 4, POLICY) == NextStep(MessageState.DEAD)


@given(st.sampled_from(sorted(FINAL_REFUSALS, key=lambda reason: reason.value)), st.integers(1, 4))
def test_a_final_refusal_ends_the_message_at_once(reason: DeliveryReason, attempt: int) -> None:
    assert next_step(AttemptResult(reason), attempt, POLICY) == NextStep(MessageState.DEAD)


@given(st.lists(st.sampled_from(list(DeliveryReason)), min_size=4, max_size=6))
def test_every_message_ends_within_its_attempts(reasons: list[DeliveryReason]) -> None:
    steps = [
        next_step(AttemptResult(reason), attempt, POLICY) for attempt, reason in enumerate(reasons, start=1)
    ]

    assert any(step.state in ENDED for step in steps[: POLICY.attempts_max])
    assert all((step.retry_in_s is None) == (step.state is not MessageState.RETRY) for step in steps)

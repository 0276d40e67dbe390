"""Tests whether a message is delivered, retried or given up after an attempt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.alerts import Channel
from notifier.domain.delivery_policy import (
    ENDED,
    FINAL_REFUSALS,
    AttemptResult,
    DeliveryReason,
    MessageState,
    NextStep,
    RetryPolicy,
    Series,
    next_step,
)

POLICY = RetryPolicy(retried_s=100.0, retry_delay_s=1.0, retry_delay_s_max=10.0)
AMBIGUOUS = AttemptResult(DeliveryReason.AMBIGUOUS)
CHANNELS = st.sampled_from(Channel)


def after(reason: DeliveryReason, series: Series, channel: Channel = Channel.EMAIL) -> NextStep:
    return next_step(AttemptResult(reason), channel, series, POLICY)


def test_an_accepted_message_is_delivered_even_after_the_time_for_retries() -> None:
    step = after(DeliveryReason.ACCEPTED, Series(number=9, ambiguous=1, age_s=1000))

    assert step == NextStep(MessageState.DELIVERED)


def test_the_delay_grows_up_to_its_bound() -> None:
    delays = [after(DeliveryReason.TIMED_OUT, Series(number)).retry_in_s for number in (1, 2, 3, 1000)]

    assert delays == [1.0, 4.0, 10.0, 10.0]


def test_a_longer_retry_after_is_honoured() -> None:
    delays = [
        next_step(
            AttemptResult(DeliveryReason.ASKED_TO_WAIT, retry_after_s=seconds),
            Channel.WEBHOOK,
            Series(),
            POLICY,
        ).retry_in_s
        for seconds in (0.5, 7.0)
    ]

    assert delays == [1.0, 7.0]


@given(CHANNELS, st.integers(1, 9))
def test_a_failure_is_retried_until_the_time_for_retries_has_passed(channel: Channel, number: int) -> None:
    before = after(DeliveryReason.UNREACHABLE, Series(number, age_s=99.0), channel)
    afterwards = after(DeliveryReason.UNREACHABLE, Series(number, age_s=100.0), channel)

    assert (before.state, afterwards.state) == (MessageState.RETRY, MessageState.DEAD)


def test_by_default_a_message_is_retried_for_48_hours() -> None:
    policy, series, attempts = RetryPolicy(), Series(), 0
    while True:
        step = next_step(AttemptResult(DeliveryReason.DEFERRED), Channel.EMAIL, series, policy)
        attempts += 1
        if step.retry_in_s is None:
            break
        series = Series(series.number + 1, age_s=series.age_s + step.retry_in_s)

    assert 48 <= series.age_s / 3600 < 49
    assert attempts == 55


def test_an_email_is_not_sent_again_after_two_ambiguous_attempts() -> None:
    first = after(DeliveryReason.AMBIGUOUS, Series(1, ambiguous=0))
    second = after(DeliveryReason.AMBIGUOUS, Series(5, ambiguous=1))

    assert (first.state, second.state) == (MessageState.RETRY, MessageState.UNCONFIRMED)


@given(st.integers(0, 9))
def test_an_ambiguous_call_is_retried_like_any_failure(ambiguous: int) -> None:
    step = after(DeliveryReason.AMBIGUOUS, Series(ambiguous + 1, ambiguous), Channel.WEBHOOK)

    assert step.state is MessageState.RETRY


@given(st.sampled_from(sorted(FINAL_REFUSALS, key=lambda reason: reason.value)), CHANNELS)
def test_a_final_refusal_ends_the_message_at_once(reason: DeliveryReason, channel: Channel) -> None:
    assert after(reason, Series(), channel) == NextStep(MessageState.DEAD)


@given(st.sampled_from(DeliveryReason), CHANNELS, st.integers(1, 5), st.integers(0, 2), st.floats(0, 300))
def test_only_a_retry_has_a_delay_and_nothing_is_retried_after_its_time(
    reason: DeliveryReason, channel: Channel, number: int, ambiguous: int, age_s: float
) -> None:
    step = after(reason, Series(number, ambiguous, age_s), channel)

    assert (step.retry_in_s is not None) == (step.state is MessageState.RETRY)
    assert step.state in ENDED or age_s < POLICY.retried_s

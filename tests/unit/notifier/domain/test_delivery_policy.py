"""What follows from an attempt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.delivery_policy import FINAL_REFUSALS, Policy, Reason, Result, State, Step, next_step

POLICY = Policy(attempts_max=4, retry_delay_s=1.0, retry_delay_s_max=10.0, retry_after_s_max=60.0)


def test_what_was_accepted_is_delivered() -> None:
    assert next_step(Result(Reason.ACCEPTED), 4, POLICY) == Step(State.DELIVERED)


def test_the_delay_grows_up_to_its_bound() -> None:
    delays = [next_step(Result(Reason.TIMED_OUT), attempt, POLICY).retry_in_s for attempt in (1, 2, 3)]

    assert delays == [1.0, 4.0, 10.0]


def test_a_longer_retry_after_is_honoured_up_to_its_bound() -> None:
    asked = [
        next_step(Result(Reason.ASKED_TO_WAIT, retry_after_s=seconds), 1, POLICY).retry_in_s
        for seconds in (0.5, 7.0, 9999.0)
    ]

    assert asked == [1.0, 7.0, 60.0]


def test_the_last_attempt_gives_up() -> None:
    assert next_step(Result(Reason.UNREACHABLE), 4, POLICY) == Step(State.DEAD)


@given(st.sampled_from(sorted(FINAL_REFUSALS, key=lambda reason: reason.value)), st.integers(1, 4))
def test_a_refusal_that_no_retry_changes_gives_up_at_once(reason: Reason, attempt: int) -> None:
    assert next_step(Result(reason), attempt, POLICY) == Step(State.DEAD)


@given(st.lists(st.sampled_from(list(Reason)), min_size=4, max_size=6))
def test_every_message_ends_within_its_attempts(reasons: list[Reason]) -> None:
    steps = [next_step(Result(reason), number, POLICY) for number, reason in enumerate(reasons, start=1)]

    assert any(step.state in (State.DELIVERED, State.DEAD) for step in steps[: POLICY.attempts_max])
    assert all((step.retry_in_s is None) == (step.state is not State.RETRY) for step in steps)

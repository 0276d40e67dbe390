"""Invariant 2 holds if the topic has every event in order, and no event that the register lacks."""

from __future__ import annotations

from typing import Any

import pytest

from faults.invariant_result import InvariantResult
from faults.invariants.event_topic import check_topic
from faults.tests.evidence_samples import database, event, topic

EVENTS = [event(0, sequence) for sequence in (1, 2, 3)]


def _check(*values: str, removed: tuple[int, ...] = (), **changed: Any) -> InvariantResult:
    return check_topic(database({0: EVENTS}, **changed), topic(*values), {0: removed})


def test_every_event_in_order_passes() -> None:
    assert _check(*EVENTS).holds


def test_repeated_events_pass_and_are_counted() -> None:
    result = _check(*EVENTS[:2], *EVENTS)

    assert result.holds
    assert result.notes == ["3 events, 2 repeats"]


@pytest.mark.parametrize(
    "values",
    [
        (EVENTS[0], EVENTS[2]),
        (EVENTS[0], EVENTS[2], EVENTS[1], EVENTS[2]),
        (EVENTS[1], EVENTS[2]),
        (EVENTS[0], EVENTS[1]),
        (),
        (*EVENTS, event(0, 4)),
        (*EVENTS[:2], event(0, 3).replace("event-0-3", "event-9-9")),
        (*EVENTS, event(1, 1)),
    ],
    ids=[
        "gap",
        "out of order",
        "no start",
        "no end",
        "empty",
        "not in register",
        "other id",
        "other partition",
    ],
)
def test_a_gap_a_wrong_order_or_a_foreign_event_is_a_violation(values: tuple[str, ...]) -> None:
    assert not _check(*values).holds


def test_an_event_that_a_fault_removed_may_be_missing_or_repeated() -> None:
    assert _check(EVENTS[2], removed=(1, 2)).holds
    assert _check(EVENTS[0], EVENTS[2], removed=(2,)).holds
    assert _check(*EVENTS, removed=(2, 3)).holds


def test_an_event_that_no_fault_removed_must_not_be_missing() -> None:
    assert not _check(EVENTS[2], removed=(1,)).holds
    assert not _check(EVENTS[0], EVENTS[2], removed=(1,)).holds
    assert not _check(removed=(1, 2)).holds


def test_without_any_event_the_invariant_does_not_hold() -> None:
    assert not check_topic(database({}), topic(), {}).holds

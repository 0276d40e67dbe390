"""Invariant 9 holds if deliveries arrive in time, unless a fault broke what they themselves need."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from faults.campaign_result import Round
from faults.fault import Fault
from faults.invariants.delivery_time import AFTERMATH, check_delivery_time

AT = datetime(2021, 10, 24, 12, 0, tzinfo=UTC)
MAIL = {"id": "a1", "channel": "email", "created_at": AT}
CALL = MAIL | {"id": "a2", "channel": "webhook"}


async def _nothing(*_: object) -> int:
    return 0


def _after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def _round(resource: str, began_s: float = -1, ended_s: float = 20) -> Round:
    fault = Fault(resource, resource, _nothing, frozenset({resource}))
    return Round((fault,), 0, 0.0, _after(began_s), _after(ended_s))


def test_deliveries_within_the_bound_pass() -> None:
    result = check_delivery_time([MAIL, CALL], {"a1": _after(9.9), "a2": _after(0.1)}, [])

    assert result.holds
    assert result.notes[0] == "median 5.0 s, max 9.9 s"


def test_an_email_that_waits_for_a_hanging_webhook_is_a_violation() -> None:
    assert not check_delivery_time([MAIL], {"a1": _after(10.1)}, [_round("receiver")]).holds


def test_a_call_that_waits_for_a_hanging_mail_server_is_a_violation() -> None:
    assert not check_delivery_time([CALL], {"a2": _after(10.1)}, [_round("mail server")]).holds


def test_an_alert_that_never_arrives_is_a_violation() -> None:
    assert not check_delivery_time([MAIL], {}, []).holds


@pytest.mark.parametrize("resource", ["notifier", "database", "mail server"])
def test_a_late_email_is_left_out_if_a_fault_broke_what_it_needs(resource: str) -> None:
    result = check_delivery_time([MAIL, CALL], {"a1": _after(15), "a2": _after(1)}, [_round(resource)])

    assert result.violations == []
    assert "left out" in result.notes[-1]


def test_a_fault_that_only_needs_the_database_is_no_excuse() -> None:
    fault = Fault("quarantine", "quarantine", _nothing, frozenset({"database"}), frozenset())
    late = Round((fault,), 0, 0.0, _after(-1), _after(20))

    assert not check_delivery_time([MAIL], {"a1": _after(15)}, [late]).holds


def test_a_fault_that_was_over_long_before_is_no_excuse() -> None:
    before = _round("notifier", -60, -AFTERMATH.total_seconds())

    assert not check_delivery_time([MAIL], {"a1": _after(15)}, [before]).holds
    assert not check_delivery_time([MAIL], {"a1": _after(15)}, [_round("notifier", 16, 30)]).holds

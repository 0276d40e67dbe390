"""Invariant 4 holds where each milestone was told once to each official, and breaks where one was not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from faults.invariant_result import Finding
from faults.invariants.alerts import CONTROL_ROOM, GOVERNOR, check_alerts
from faults.invariants.counts import TOTAL, Cell
from faults.tests.evidence_samples import stored
from simulator.verify.alert_check import Deliveries

LATCH = {"rule": "province", "scope": "all", "region": "31", "threshold": 1000}
MAIL = LATCH | {"id": "a1", "recipient": GOVERNOR, "channel": "mail", "state": "delivered"}
CALL = LATCH | {"id": "a2", "recipient": CONTROL_ROOM, "channel": "webhook", "state": "delivered"}
ARRIVED = Deliveries(mailbox=Counter({"a1": 1}), webhook=Counter({"a2": 1}))
REACHED = {TOTAL: 1500}


def _check(
    latches: list[dict[str, Any]],
    alerts: list[dict[str, Any]],
    arrived: Deliveries = ARRIVED,
    highest: dict[Cell, int] = REACHED,
    trapped: int = 0,
) -> Finding:
    return check_alerts(stored({}, latches=latches, alerts=alerts), REACHED, highest, arrived, trapped)


def test_one_latch_and_one_alert_for_each_official_hold() -> None:
    assert _check([LATCH], [MAIL, CALL]).holds


def test_a_delivery_repeated_by_its_id_holds_and_is_counted() -> None:
    finding = _check([LATCH], [MAIL, CALL], replace(ARRIVED, webhook=Counter({"a2": 3})))

    assert finding.holds
    assert finding.notes == ["1 milestones, 2 alerts, 2 webhooks repeated by id"]


def test_a_milestone_that_was_passed_and_taken_back_may_have_been_told() -> None:
    higher = LATCH | {"threshold": 2000}
    alerts = [MAIL, CALL, MAIL | higher | {"id": "a3"}, CALL | higher | {"id": "a4"}]
    arrived = Deliveries(mailbox=Counter(("a1", "a3")), webhook=Counter(("a2", "a4")))

    assert _check([LATCH, higher], alerts, arrived, highest={TOTAL: 2000}).holds
    assert not _check([LATCH, higher], alerts, arrived).holds


@pytest.mark.parametrize(
    ("latches", "alerts"),
    [
        ([], []),
        ([LATCH, LATCH], [MAIL, CALL]),
        ([LATCH], [CALL]),
        ([LATCH], [MAIL]),
        ([LATCH], [MAIL, MAIL | {"id": "a3"}, CALL]),
        ([LATCH], [MAIL, CALL | {"state": "dead"}]),
        ([LATCH], [MAIL | {"recipient": "official:stranger"}, CALL]),
    ],
    ids=["missed", "latched twice", "untold", "uncalled", "two ids", "dead", "another one told"],
)
def test_a_milestone_missed_or_doubled_breaks_it(
    latches: list[dict[str, Any]], alerts: list[dict[str, Any]]
) -> None:
    arrived = replace(ARRIVED, mailbox=Counter(("a1", "a3")))

    assert not _check(latches, alerts, arrived).holds


@pytest.mark.parametrize(
    "arrived",
    [
        replace(ARRIVED, mailbox=Counter()),
        replace(ARRIVED, webhook=Counter()),
        replace(ARRIVED, forged=1),
        replace(ARRIVED, webhook=Counter(("a2", "unknown"))),
    ],
    ids=["no mail", "no call", "a forged call", "a call of no alert"],
)
def test_what_arrived_and_what_is_stored_must_agree(arrived: Deliveries) -> None:
    assert not _check([LATCH], [MAIL, CALL], arrived).holds


def test_a_call_led_to_a_private_address_breaks_it() -> None:
    assert not _check([LATCH], [MAIL, CALL], trapped=1).holds

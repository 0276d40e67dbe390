"""Invariant 4 holds only if each reached threshold has one latch and one delivered alert per official."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from faults.invariant_result import InvariantResult
from faults.invariants.alerts import CONTROL_ROOM, GOVERNOR, NEXT_CHANNELS, check_alerts
from faults.invariants.counts import TOTAL
from faults.invariants.independent_cut_reader import Cell
from faults.tests.evidence_samples import database
from simulator.verify.delivery_check import Deliveries

LATCH = {"rule": "province", "scope": "all", "region": "31", "threshold": 1000}
MAIL = LATCH | {"id": "a1", "recipient": GOVERNOR, "channel": "mail", "state": "delivered"}
CALL = LATCH | {"id": "a2", "recipient": CONTROL_ROOM, "channel": "webhook", "state": "delivered"}
ARRIVED = Deliveries(mailbox=Counter({"a1": 1}), webhook=Counter({"a2": 1}))
COUNTS = {TOTAL: 1500}


def _check(
    latches: list[dict[str, Any]],
    alerts: list[dict[str, Any]],
    arrived: Deliveries = ARRIVED,
    highest: dict[Cell, int] = COUNTS,
    redirected: int = 0,
) -> InvariantResult:
    return check_alerts(database({}, latches=latches, alerts=alerts), COUNTS, highest, arrived, redirected)


def test_one_latch_and_one_alert_for_each_official_pass() -> None:
    assert _check([LATCH], [MAIL, CALL]).holds


def test_a_delivery_repeated_with_the_same_id_passes_and_is_counted() -> None:
    result = _check([LATCH], [MAIL, CALL], replace(ARRIVED, webhook=Counter({"a2": 3})))

    assert result.holds
    assert result.notes == ["1 milestones, 2 alerts, 2 webhook calls repeated with the same id"]


def test_a_milestone_reached_only_for_a_time_must_have_its_alerts() -> None:
    higher = LATCH | {"threshold": 2000}
    alerts = [MAIL, CALL, MAIL | higher | {"id": "a3"}, CALL | higher | {"id": "a4"}]
    arrived = Deliveries(mailbox=Counter(("a1", "a3")), webhook=Counter(("a2", "a4")))

    assert _check([LATCH, higher], alerts, arrived, highest={TOTAL: 2000}).holds
    assert not _check([LATCH, higher], alerts, arrived).holds
    assert not _check([LATCH], [MAIL, CALL], highest={TOTAL: 2000}).holds


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
    ids=["missed", "latched twice", "no mail", "no call", "two ids", "dead", "unknown recipient"],
)
def test_a_missed_or_doubled_milestone_is_a_violation(
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
def test_deliveries_that_differ_from_the_stored_alerts_are_a_violation(arrived: Deliveries) -> None:
    assert not _check([LATCH], [MAIL, CALL], arrived).holds


def test_an_unconfirmed_email_passes_only_if_the_next_channel_has_its_alert() -> None:
    unconfirmed = MAIL | {"state": "unconfirmed"}
    next_call = CALL | {"id": "a3", "recipient": NEXT_CHANNELS[GOVERNOR]}
    arrived = replace(ARRIVED, mailbox=Counter(), webhook=Counter(("a2", "a3")))

    assert _check([LATCH], [unconfirmed, CALL, next_call], arrived).holds
    assert not _check([LATCH], [unconfirmed, CALL]).holds
    assert not _check([LATCH], [MAIL, CALL, next_call], replace(arrived, mailbox=ARRIVED.mailbox)).holds


def test_a_call_redirected_to_a_private_address_is_a_violation() -> None:
    assert not _check([LATCH], [MAIL, CALL], redirected=1).holds

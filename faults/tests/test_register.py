"""Invariants 1 and 2 hold for what a sound register and topic hold, and break where one thing is off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from faults.evidence import Participant
from faults.invariant_result import Finding
from faults.invariants.register import check_register, check_topic
from faults.tests.evidence_samples import ELSEWHERE, KELURAHAN, event, participant, stored, topic
from simulator.load.expected_state import Account, account
from simulator.load.ledger import Answer, Intent, Line

INTENT = Intent(number=1, kind="register", key="k1", person=1, region=KELURAHAN, at="2021-10-24T12:00:00Z")
TOLD = Answer(number=1, outcome="accepted", status=201, attempts=1, participant="p1", revision=1)
SOUND = {"p1": participant(), "p2": participant(imported=True), "canary": participant(ELSEWHERE)}


def _register(
    participants: dict[str, Participant],
    lines: tuple[Line, ...] = (INTENT, TOLD),
    unfinished: tuple[str, ...] = (),
) -> Finding:
    told: Account = account(lines)
    return check_register(told, 0, stored({}, participants=participants), {"import": 1}, unfinished)


def test_whoever_was_told_201_and_whoever_was_imported_is_in_the_register_once() -> None:
    assert _register(SOUND).holds


@pytest.mark.parametrize(
    ("participants", "violation"),
    [
        ({"p2": SOUND["p2"], "canary": SOUND["canary"]}, "participant p1 is not in the register"),
        (SOUND | {"p1": participant(ELSEWHERE)}, "participant p1 is"),
        (SOUND | {"p1": replace(participant(), revision=2)}, "participant p1 is"),
        (SOUND | {"p1": replace(participant(), standing="withdrawn")}, "participant p1 is"),
        (SOUND | {"p1": replace(participant(), steps=("P2",))}, "participant p1 is"),
        (SOUND | {"p3": participant()}, "2 participants nobody was answered for"),
        ({"p1": SOUND["p1"], "canary": SOUND["canary"]}, "0 imported of 1"),
        (SOUND | {"p3": participant(imported=True)}, "2 imported of 1"),
    ],
)
def test_a_register_that_differs_from_the_ledger_breaks_it(
    participants: dict[str, Participant], violation: str
) -> None:
    finding = _register(participants)

    assert any(text.startswith(violation) for text in finding.violations), finding.violations


def test_a_key_that_became_a_refusal_breaks_it() -> None:
    refused = Answer(number=1, outcome="refused", status=409, attempts=2)

    assert any("answered 409" in text for text in _register(SOUND, (INTENT, refused)).violations)


def test_an_unknown_answer_that_was_never_settled_breaks_it() -> None:
    unknown = Answer(number=1, outcome="unknown", status=0, attempts=9)

    assert any("never settled" in text for text in _register(SOUND, (INTENT, unknown)).violations)


def test_an_unknown_answer_that_ended_in_the_register_holds() -> None:
    unknown = Answer(number=1, outcome="unknown", status=0, attempts=9)

    assert _register(SOUND, (INTENT, unknown, TOLD)).holds


def test_an_import_that_did_not_end_breaks_it() -> None:
    assert not _register(SOUND, unfinished=("import is running",)).holds


EVENTS = [event(0, sequence) for sequence in (1, 2, 3)]


def _topic(*values: str, forgotten: tuple[int, ...] = (), **changed: Any) -> Finding:
    return check_topic(stored({0: EVENTS}, **changed), topic(*values), {0: forgotten})


def test_every_event_in_order_holds() -> None:
    assert _topic(*EVENTS).holds


def test_a_run_sent_again_holds_and_is_counted() -> None:
    finding = _topic(*EVENTS[:2], *EVENTS)

    assert finding.holds
    assert finding.notes == ["3 events, 2 repeats"]


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
    ids=["a hole", "out of order", "no start", "no end", "none", "not in register", "another's id", "astray"],
)
def test_a_hole_a_wrong_order_or_a_stranger_breaks_it(values: tuple[str, ...]) -> None:
    assert not _topic(*values).holds


def test_what_a_fault_took_away_may_be_gone_or_be_sent_again() -> None:
    assert _topic(EVENTS[2], forgotten=(1, 2)).holds
    assert _topic(EVENTS[0], EVENTS[2], forgotten=(2,)).holds
    assert _topic(*EVENTS, forgotten=(2, 3)).holds


def test_what_no_fault_took_away_may_not_be_gone() -> None:
    assert not _topic(EVENTS[2], forgotten=(1,)).holds
    assert not _topic(EVENTS[0], EVENTS[2], forgotten=(1,)).holds
    assert not _topic(forgotten=(1, 2)).holds


def test_no_event_at_all_proves_nothing() -> None:
    assert not check_topic(stored({}), topic(), {}).holds

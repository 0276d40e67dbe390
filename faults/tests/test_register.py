"""Invariant 1 holds for a register that equals the ledger; a missing or wrong participant violates it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from faults.invariant_result import InvariantResult
from faults.invariants.register import check_register
from faults.observation.evidence import Participant
from faults.tests.evidence_samples import KELURAHAN, OTHER_KELURAHAN, database, participant
from simulator.load.expected_state import ExpectedState, expected_state
from simulator.load.ledger import Answer, Intent, Line

INTENT = Intent(number=1, kind="register", key="k1", person=1, region=KELURAHAN, at="2021-10-24T12:00:00Z")
CONFIRMED = Answer(number=1, outcome="accepted", status=201, attempts=1, participant="p1", revision=1)
CORRECT = {"p1": participant(), "p2": participant(imported=True), "canary": participant(OTHER_KELURAHAN)}


def _register(
    participants: dict[str, Participant],
    lines: tuple[Line, ...] = (INTENT, CONFIRMED),
    unfinished: tuple[str, ...] = (),
) -> InvariantResult:
    expected: ExpectedState = expected_state(lines)
    return check_register(expected, 0, database({}, participants=participants), {"import": 1}, unfinished)


def test_confirmed_and_imported_participants_in_the_register_once_pass() -> None:
    assert _register(CORRECT).holds


@pytest.mark.parametrize(
    ("participants", "violation"),
    [
        ({"p2": CORRECT["p2"], "canary": CORRECT["canary"]}, "participant p1 is not in the register"),
        (CORRECT | {"p1": participant(OTHER_KELURAHAN)}, "participant p1 is"),
        (CORRECT | {"p1": replace(participant(), revision=2)}, "participant p1 is"),
        (CORRECT | {"p1": replace(participant(), standing="withdrawn")}, "participant p1 is"),
        (CORRECT | {"p1": replace(participant(), steps=("P2",))}, "participant p1 is"),
        (CORRECT | {"p3": participant()}, "2 participants without a confirmed request"),
        ({"p1": CORRECT["p1"], "canary": CORRECT["canary"]}, "0 participants imported"),
        (CORRECT | {"p3": participant(imported=True)}, "2 participants imported"),
    ],
)
def test_a_register_that_differs_from_the_ledger_is_a_violation(
    participants: dict[str, Participant], violation: str
) -> None:
    result = _register(participants)

    assert any(text.startswith(violation) for text in result.violations), result.violations


def test_a_refusal_after_a_confirmation_is_a_violation() -> None:
    refused = Answer(number=1, outcome="refused", status=409, attempts=2)

    assert any("answered 409" in text for text in _register(CORRECT, (INTENT, refused)).violations)


def test_a_request_without_a_known_outcome_is_a_violation() -> None:
    unknown = Answer(number=1, outcome="unknown", status=0, attempts=9)

    assert any("no known outcome" in text for text in _register(CORRECT, (INTENT, unknown)).violations)


def test_a_request_confirmed_by_a_retry_passes() -> None:
    unknown = Answer(number=1, outcome="unknown", status=0, attempts=9)

    assert _register(CORRECT, (INTENT, unknown, CONFIRMED)).holds


def test_an_unfinished_import_is_a_violation() -> None:
    assert not _register(CORRECT, unfinished=("import is running",)).holds

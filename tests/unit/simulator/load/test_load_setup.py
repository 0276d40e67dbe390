"""The scenario's actions and the expected state are tested against a small model of a correct register."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from simulator.load.crowd import PER_HUNDRED, PlannedAction, Scenario
from simulator.load.expected_state import expected_state, participant_after
from simulator.load.http_requests import FORMS, request
from simulator.load.ledger import Answer, Intent, Line, Outcome, Run

REGIONS = ["31.71.01.1001", "31.71.01.1002", "31.75.01.1001"]


def scenario(seed: int) -> Scenario:
    return Scenario(random.Random(seed), "fest", REGIONS, [1.0, 1.0, 2.0], 0)


def intent_of(number: int, plan: PlannedAction) -> Intent:
    form, known = plan.kind in FORMS, plan.known
    return Intent(
        number=number,
        kind=plan.kind,
        key=known.key if known and plan.kind == "repeat" else f"k{number}",
        person=plan.person,
        region=plan.region,
        at="2021-10-24T12:00:00+00:00",
        campaign=plan.campaign if form else None,
        participant=known.participant if known and not form else None,
        revision=known.revision if known and not form else None,
        step=plan.step,
    )


def answer_of(intent: Intent, plan: PlannedAction) -> Answer:
    if intent.kind == "duplicate":
        return Answer(intent.number, "refused", 409, 1)
    participant = plan.known.participant if plan.known else f"p{plan.person}"
    revision = plan.known.revision + 1 if plan.known else 1
    if intent.kind == "repeat":
        revision = 1
    return Answer(intent.number, "accepted", 201, 1, participant, revision)


def simulate(seed: int, length: int, unknown_every: int = 0) -> list[Line]:
    lines: list[Line] = []
    actions = scenario(seed)
    for number in range(1, length + 1):
        plan = actions.next_action()
        intent = intent_of(number, plan)
        lost = unknown_every and number % unknown_every == 0
        answer = Answer(number, "unknown", 0, 9) if lost else answer_of(intent, plan)
        lines += [intent, answer]
        after = participant_after(intent, answer, plan.known)
        if after is not None and not lost:
            actions.release(after)
    return lines


@given(st.integers(0, 10_000))
def test_a_correct_register_leaves_no_errors(seed: int) -> None:
    result = expected_state(simulate(seed, 120))

    assert result.faults == []
    assert result.unsettled == []
    assert {known.campaign for known in result.known.values()} == {"fest"}


def test_every_kind_of_action_occurs() -> None:
    kinds = Counter(line.kind for line in simulate(1, 2000) if isinstance(line, Intent))

    assert set(kinds) == {"register", *PER_HUNDRED}
    assert 0.8 < kinds["register"] / 2000 < 0.95


@given(st.integers(0, 1000), st.integers(2, 5))
def test_an_unanswered_intent_is_unsettled_and_its_participant_gets_no_further_action(
    seed: int, every: int
) -> None:
    lines = simulate(seed, 60, unknown_every=every)

    result = expected_state(lines)

    assert [intent.number for intent in result.unsettled] == list(range(every, 61, every))
    lost = {intent.participant for intent in result.unsettled if intent.participant}
    for person in lost:
        touched = [line.number for line in lines if isinstance(line, Intent) and line.participant == person]
        assert all(
            number <= max(i.number for i in result.unsettled if i.participant == person) for number in touched
        )


@given(st.integers(0, 1000))
def test_a_repeat_is_the_same_request_byte_for_byte(seed: int) -> None:
    run = Run(run="r", seed=7, first_person=0, campaign="fest", probe_campaign="probe")
    sent: dict[str, bytes] = {}
    for line in simulate(seed, 150):
        if isinstance(line, Intent) and line.kind in ("register", "repeat"):
            assert sent.setdefault(line.key, request(line, run).body) == request(line, run).body


def test_a_second_acceptance_of_one_nik_is_an_error() -> None:
    first = Intent(1, "register", "k1", 5, REGIONS[0], "t", "fest")
    again = Intent(2, "duplicate", "k2", 5, REGIONS[0], "t", "fest")

    result = expected_state(
        [first, Answer(1, "accepted", 201, 1, "a", 1), again, Answer(2, "accepted", 201, 1, "b", 1)]
    )

    assert len(result.faults) == 1
    assert result.faults[0].startswith("doubled: duplicate 2")


def test_a_key_used_again_must_name_the_same_participant() -> None:
    first = Intent(1, "register", "k1", 5, REGIONS[0], "t", "fest")
    repeat = Intent(2, "repeat", "k1", 5, REGIONS[0], "t", "fest")

    same = expected_state(
        [first, Answer(1, "accepted", 201, 1, "a", 1), repeat, Answer(2, "accepted", 201, 1, "a", 1)]
    )
    other = expected_state(
        [first, Answer(1, "accepted", 201, 1, "a", 1), repeat, Answer(2, "accepted", 201, 1, "b", 1)]
    )

    assert same.faults == []
    assert len(other.faults) == 1


def test_only_a_refusal_that_the_simulator_did_not_provoke_is_an_error() -> None:
    def errors(kind: str, outcome: Outcome, status: int) -> list[str]:
        return expected_state(
            [Intent(1, kind, "k1", 5, REGIONS[0], "t", "fest"), Answer(1, outcome, status, 1)]
        ).faults

    assert errors("duplicate", "refused", 409) == []
    assert errors("register", "refused", 409) == ["refused: register 1 was answered 409"]
    assert errors("move", "refused", 412) == ["refused: move 1 was answered 412"]


def test_a_later_answer_settles_an_unknown_intent() -> None:
    intent = Intent(1, "register", "k1", 5, REGIONS[0], "t", "fest")

    result = expected_state([intent, Answer(1, "unknown", 0, 4), Answer(1, "accepted", 201, 1, "a", 1)])

    assert result.unsettled == []
    assert set(result.known) == {"a"}

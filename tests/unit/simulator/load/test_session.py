"""The crowd's plans and what answers to them imply, under a small register that keeps the rules."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from simulator.load.expected_state import account, known_after
from simulator.load.ledger import Answer, Intent, Line, Outcome, Run
from simulator.load.requests import FORMS, request
from simulator.load.scenario import PER_HUNDRED, Crowd, Plan

REGIONS = ["31.71.01.1001", "31.71.01.1002", "31.75.01.1001"]


def crowd(seed: int) -> Crowd:
    return Crowd(random.Random(seed), "fest", REGIONS, [1.0, 1.0, 2.0], 0)


def intended(number: int, plan: Plan) -> Intent:
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


def answered(intent: Intent, plan: Plan) -> Answer:
    if intent.kind == "duplicate":
        return Answer(intent.number, "refused", 409, 1)
    participant = plan.known.participant if plan.known else f"p{plan.person}"
    revision = plan.known.revision + 1 if plan.known else 1
    if intent.kind == "repeat":
        revision = 1
    return Answer(intent.number, "accepted", 201, 1, participant, revision)


def night(seed: int, length: int, unknown_every: int = 0) -> list[Line]:
    lines: list[Line] = []
    people = crowd(seed)
    for number in range(1, length + 1):
        plan = people.next()
        intent = intended(number, plan)
        lost = unknown_every and number % unknown_every == 0
        answer = Answer(number, "unknown", 0, 9) if lost else answered(intent, plan)
        lines += [intent, answer]
        after = known_after(intent, answer, plan.known)
        if after is not None and not lost:
            people.free(after)
    return lines


@given(st.integers(0, 10_000))
def test_a_register_that_keeps_the_rules_leaves_no_fault_and_the_account_adds_up(seed: int) -> None:
    result = account(night(seed, 120))

    assert result.faults == []
    assert result.unsettled == []
    standing = [one for one in result.known.values() if one.standing == "registered"]
    counts = result.counts("fest")
    assert sum(n for (_, measure), n in counts.items() if measure == "registered") == len(standing)
    assert sum(n for (_, measure), n in counts.items() if measure != "registered") == sum(
        len(one.steps) for one in standing
    )


def test_every_kind_of_plan_occurs() -> None:
    kinds = Counter(line.kind for line in night(1, 2000) if isinstance(line, Intent))

    assert set(kinds) == {"register", *PER_HUNDRED}
    assert 0.8 < kinds["register"] / 2000 < 0.95


@given(st.integers(0, 1000), st.integers(2, 5))
def test_what_was_not_answered_is_asked_again_and_nobody_unsettled_is_dealt(seed: int, every: int) -> None:
    lines = night(seed, 60, unknown_every=every)

    result = account(lines)

    assert [intent.number for intent in result.unsettled] == list(range(every, 61, every))
    lost = {intent.participant for intent in result.unsettled if intent.participant}
    for person in lost:
        touched = [line.number for line in lines if isinstance(line, Intent) and line.participant == person]
        assert all(
            number <= max(i.number for i in result.unsettled if i.participant == person) for number in touched
        )


@given(st.integers(0, 1000))
def test_a_repeat_is_the_same_request_word_for_word(seed: int) -> None:
    run = Run(run="r", seed=7, first_person=0, campaign="fest", probe_campaign="probe")
    sent: dict[str, bytes] = {}
    for line in night(seed, 150):
        if isinstance(line, Intent) and line.kind in ("register", "repeat"):
            assert sent.setdefault(line.key, request(line, run).body) == request(line, run).body


def test_a_second_acceptance_of_one_nik_is_a_fault() -> None:
    first = Intent(1, "register", "k1", 5, REGIONS[0], "t", "fest")
    again = Intent(2, "duplicate", "k2", 5, REGIONS[0], "t", "fest")

    result = account(
        [first, Answer(1, "accepted", 201, 1, "a", 1), again, Answer(2, "accepted", 201, 1, "b", 1)]
    )

    assert len(result.faults) == 1
    assert result.faults[0].startswith("doubled: duplicate 2")


def test_a_key_used_again_must_name_the_same_participant() -> None:
    first = Intent(1, "register", "k1", 5, REGIONS[0], "t", "fest")
    repeat = Intent(2, "repeat", "k1", 5, REGIONS[0], "t", "fest")

    same = account(
        [first, Answer(1, "accepted", 201, 1, "a", 1), repeat, Answer(2, "accepted", 201, 1, "a", 1)]
    )
    other = account(
        [first, Answer(1, "accepted", 201, 1, "a", 1), repeat, Answer(2, "accepted", 201, 1, "b", 1)]
    )

    assert same.faults == []
    assert len(other.faults) == 1


def test_a_refusal_nobody_provoked_is_a_fault_and_one_provoked_is_not() -> None:
    def told(kind: str, outcome: Outcome, status: int) -> list[str]:
        return account(
            [Intent(1, kind, "k1", 5, REGIONS[0], "t", "fest"), Answer(1, outcome, status, 1)]
        ).faults

    assert told("duplicate", "refused", 409) == []
    assert told("register", "refused", 409) == ["refused: register 1 was answered 409"]
    assert told("move", "refused", 412) == ["refused: move 1 was answered 412"]


def test_an_answer_found_out_later_settles_the_intent() -> None:
    intent = Intent(1, "register", "k1", 5, REGIONS[0], "t", "fest")

    result = account([intent, Answer(1, "unknown", 0, 4), Answer(1, "accepted", 201, 1, "a", 1)])

    assert result.unsettled == []
    assert set(result.known) == {"a"}

"""The audit finds missing and unfounded latches, and none where every latch follows from a cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.alerts import crossing_id
from notifier.domain.latch_audit import AuditError, EvaluatedCounts, StoredLatch, latch_errors
from notifier.domain.milestones import Crossing, Cut, LatchState, RuleSet, evaluate
from notifier.domain.rules import Every
from tests.support.samples.milestones import AS_OF, rule

KEY = ("all", "31", "registered")
RULE_SET = RuleSet((rule(thresholds=Every(2)),))
NONE = {AuditError.LATCH_MISSING: 0, AuditError.LATCH_UNFOUNDED: 0}


def cut(number: int, count: int) -> Cut:
    return Cut(f"1.{number}", AS_OF, {KEY: count})


def stored(crossing: Crossing) -> StoredLatch:
    return StoredLatch(crossing_id(crossing), crossing)


def latched(*counts: int) -> list[StoredLatch]:
    """Return the latches of cuts 1.0, 1.1, … with these counts."""
    latches: list[StoredLatch] = []
    for number, count in enumerate(counts):
        known = {latch.crossing.key: LatchState() for latch in latches}
        latches += map(stored, evaluate(RULE_SET, cut(number, count), known).crossings)
    return latches


def evaluated(*counts: int) -> EvaluatedCounts:
    last = len(counts) - 1
    return EvaluatedCounts((1, last), cut(last, counts[-1]), {KEY: max(counts)})


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5))
def test_latches_of_the_evaluated_cuts_are_in_order(counts: list[int]) -> None:
    assert latch_errors(RULE_SET, evaluated(*counts), latched(*counts)) == NONE


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5), st.data())
def test_a_deleted_latch_is_missing_while_its_threshold_is_reached(
    counts: list[int], data: st.DataObject
) -> None:
    latches = latched(*counts)
    kept = [latch for latch in latches if data.draw(st.booleans())]

    errors = latch_errors(RULE_SET, evaluated(*counts), kept)

    reached = [latch for latch in latches if latch.crossing.threshold <= counts[-1]]
    assert errors[AuditError.LATCH_MISSING] == len([latch for latch in reached if latch not in kept])


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": 6, "value": 6, "count": 6},
        {"threshold": 6, "value": 4, "count": 4},
        {"threshold": 6, "value": 7, "count": 4},
    ],
    ids=["a count that no cut had", "a value below the threshold", "a value that is not the count"],
)
def test_an_inserted_latch_is_unfounded(changes: dict[str, Any]) -> None:
    inserted = stored(replace(latched(4)[0].crossing, **changes))

    errors = latch_errors(RULE_SET, evaluated(4), [*latched(4), inserted])

    assert errors == NONE | {AuditError.LATCH_UNFOUNDED: 1}


def test_a_changed_latch_is_unfounded() -> None:
    first, second = latched(4)
    changed = StoredLatch(first.id, replace(first.crossing, region="31.71"))

    errors = latch_errors(RULE_SET, evaluated(4), [changed, second])

    assert errors == {AuditError.LATCH_MISSING: 1, AuditError.LATCH_UNFOUNDED: 1}


def test_a_latch_of_a_later_cut_is_not_compared() -> None:
    assert latch_errors(RULE_SET, evaluated(1), latched(1, 6)) == NONE

"""The cut evaluator evaluates only complete cuts, never goes back to an older cut, and evaluates the same
changes again after a failure of the database.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cuts.records import CutRecord
from cuts.state import ApplyReason
from notifier.cut_evaluator import CutEvaluator
from notifier.domain.rules import At, Every
from notifier.rules_file.reader import Epoch, Rules
from tests.support.fakes.latch_store import MemoryLatchStore
from tests.support.samples.milestones import AS_OF, official, rule, webhook


def rules(*listed: Any, epochs: dict[str, Epoch] | None = None) -> Rules:
    return Rules(listed or (rule(thresholds=At((10, 20))),), {}, epochs or {}, (official(), webhook()), {})


def full(number: int, count: int, *, term: int = 1, part: int = 0, parts: int = 1) -> CutRecord:
    return CutRecord(
        cut=number,
        term=term,
        kind="full",
        as_of=AS_OF,
        positions=(count,),
        rows=(("all", "31", "registered", count),),
        part=part,
        parts=parts,
    )


def change(number: int, count: int, *, term: int = 1) -> CutRecord:
    return CutRecord(
        cut=number,
        term=term,
        kind="change",
        base=number - 1,
        as_of=AS_OF,
        positions=(count,),
        rows=(("all", "31", "registered", count),),
    )


async def crossed(evaluator: CutEvaluator) -> list[int]:
    return [crossing.threshold for crossing in await evaluator.evaluate_once()]


async def test_nothing_is_evaluated_before_a_complete_cut() -> None:
    evaluator = CutEvaluator(rules(), MemoryLatchStore())
    evaluator.apply(full(1, 15, part=0, parts=2))

    assert await crossed(evaluator) == []


async def test_a_change_that_reaches_a_threshold_crosses_it_once() -> None:
    evaluator = CutEvaluator(rules(), MemoryLatchStore())
    evaluator.apply(full(1, 9))
    assert await crossed(evaluator) == []
    evaluator.apply(change(2, 10))

    assert await crossed(evaluator) == [10]
    assert await crossed(evaluator) == []


async def test_a_cut_of_a_lower_term_is_ignored() -> None:
    evaluator = CutEvaluator(rules(), MemoryLatchStore())
    evaluator.apply(full(5, 9, term=2))

    applied = evaluator.apply(full(9, 15, term=1))

    assert applied.reason is ApplyReason.OLDER
    assert await crossed(evaluator) == []


async def test_crossings_are_latched_at_the_next_evaluation_if_the_database_failed() -> None:
    store = MemoryLatchStore()
    evaluator = CutEvaluator(rules(), store)
    evaluator.apply(full(1, 15))
    store.failures = 1
    with pytest.raises(ConnectionError):
        await evaluator.evaluate_once()

    assert await evaluator.wait_for_change(0.01)
    assert await crossed(evaluator) == [10]


async def test_a_restart_with_a_replay_of_all_cuts_alerts_nobody_again() -> None:
    store = MemoryLatchStore()
    for _ in range(2):
        evaluator = CutEvaluator(rules(), store)
        for record in (full(1, 9), change(2, 10), change(3, 25)):
            evaluator.apply(record)
            await evaluator.evaluate_once()

    assert sorted(len(message.alerts) for message in store.messages) == [1, 1, 1, 1]


async def test_two_evaluators_with_one_store_latch_once() -> None:
    store = MemoryLatchStore()
    evaluators = [CutEvaluator(rules(), store) for _ in range(2)]
    for evaluator in evaluators:
        evaluator.apply(full(1, 15))
        assert await evaluator.evaluate_once() is not None

    assert [len(message.alerts) for message in store.messages] == [1, 1]


async def test_a_jump_over_many_thresholds_is_one_message_per_official() -> None:
    store = MemoryLatchStore()
    evaluator = CutEvaluator(rules(rule(thresholds=Every(10_000))), store)
    evaluator.apply(full(1, 281_812))

    assert len(await evaluator.evaluate_once()) == 28
    assert sorted(len(message.alerts) for message in store.messages) == [1] * 28 + [28]


async def test_a_rule_added_later_crosses_at_the_next_start() -> None:
    store = MemoryLatchStore()
    for listed in ((rule(),), (rule(), rule("late", thresholds=At((5,))))):
        evaluator = CutEvaluator(rules(*listed), store)
        evaluator.apply(full(1, 15))
        thresholds = await crossed(evaluator)

    assert thresholds == [5]


async def test_growth_is_measured_from_the_first_cut_of_the_epoch() -> None:
    epochs = {"fest": Epoch("fest", {"id": "Fest", "en": "Fest"}, AS_OF)}
    evaluator = CutEvaluator(rules(rule(epoch="fest"), epochs=epochs), MemoryLatchStore())
    evaluator.apply(full(1, 100))

    assert await crossed(evaluator) == []
    evaluator.apply(change(2, 110))
    assert await crossed(evaluator) == [10]


async def test_an_epoch_does_not_open_before_its_time() -> None:
    epochs = {"fest": Epoch("fest", {"id": "Fest", "en": "Fest"}, AS_OF + timedelta(days=1))}
    evaluator = CutEvaluator(rules(rule(epoch="fest"), epochs=epochs), MemoryLatchStore())
    evaluator.apply(full(1, 100))
    await evaluator.evaluate_once()
    evaluator.apply(change(2, 110))

    assert await crossed(evaluator) == []


async def test_a_margin_lets_the_same_threshold_cross_again() -> None:
    evaluator = CutEvaluator(rules(rule(rearm_margin=3)), MemoryLatchStore())
    thresholds = []
    for number, count in enumerate((10, 8, 11, 7, 9, 10), start=1):
        evaluator.apply(full(number, count))
        thresholds.append(await crossed(evaluator))

    assert thresholds == [[10], [], [], [], [], [10]]

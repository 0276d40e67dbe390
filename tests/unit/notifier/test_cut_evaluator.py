"""The watch: whole cuts only, never an older one, and nothing lost where the database fails."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cuts.records import CutRecord
from cuts.state import ApplyReason
from notifier.cut_evaluator import CutEvaluator
from notifier.domain.rules import At, Every
from notifier.rules_file.reader import Epoch, Rules
from tests.support.fakes.latch_store import MemoryLatches
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


async def crossed(watch: CutEvaluator) -> list[int]:
    return [crossing.threshold for crossing in await watch.evaluate_once()]


async def test_nothing_is_evaluated_before_a_complete_cut() -> None:
    watch = CutEvaluator(rules(), MemoryLatches())
    watch.take(full(1, 15, part=0, parts=2))

    assert await crossed(watch) == []


async def test_a_change_that_reaches_a_threshold_crosses_it_once() -> None:
    watch = CutEvaluator(rules(), MemoryLatches())
    watch.take(full(1, 9))
    assert await crossed(watch) == []
    watch.take(change(2, 10))

    assert await crossed(watch) == [10]
    assert await crossed(watch) == []


async def test_a_lower_cut_of_a_paused_publisher_is_ignored() -> None:
    watch = CutEvaluator(rules(), MemoryLatches())
    watch.take(full(5, 9, term=2))

    applied = watch.take(full(9, 15, term=1))

    assert applied.reason is ApplyReason.OLDER
    assert await crossed(watch) == []


async def test_what_the_database_refused_is_latched_at_the_next_evaluation() -> None:
    store = MemoryLatches()
    watch = CutEvaluator(rules(), store)
    watch.take(full(1, 15))
    store.failures = 1
    with pytest.raises(ConnectionError):
        await watch.evaluate_once()

    assert await watch.waits_for_a_cut(0.01)
    assert await crossed(watch) == [10]


async def test_a_restart_with_a_replay_of_all_cuts_tells_nothing_again() -> None:
    store = MemoryLatches()
    for _ in range(2):
        watch = CutEvaluator(rules(), store)
        for record in (full(1, 9), change(2, 10), change(3, 25)):
            watch.take(record)
            await watch.evaluate_once()

    assert sorted(len(message.alerts) for message in store.told) == [1, 1, 1, 1]


async def test_two_watches_over_one_store_latch_once() -> None:
    store = MemoryLatches()
    watches = [CutEvaluator(rules(), store) for _ in range(2)]
    for watch in watches:
        watch.take(full(1, 15))
        assert await watch.evaluate_once() is not None

    assert [len(message.alerts) for message in store.told] == [1, 1]


async def test_a_jump_over_many_thresholds_tells_each_official_in_one_letter() -> None:
    store = MemoryLatches()
    watch = CutEvaluator(rules(rule(thresholds=Every(10_000))), store)
    watch.take(full(1, 281_812))

    assert len(await watch.evaluate_once()) == 28
    assert sorted(len(message.alerts) for message in store.told) == [1] * 28 + [28]


async def test_a_late_rule_is_told_at_the_next_start() -> None:
    store = MemoryLatches()
    for listed in ((rule(),), (rule(), rule("late", thresholds=At((5,))))):
        watch = CutEvaluator(rules(*listed), store)
        watch.take(full(1, 15))
        found = await crossed(watch)

    assert found == [5]


async def test_growth_is_measured_from_the_first_cut_of_the_epoch() -> None:
    epochs = {"fest": Epoch("fest", {"id": "Fest", "en": "Fest"}, AS_OF)}
    watch = CutEvaluator(rules(rule(epoch="fest"), epochs=epochs), MemoryLatches())
    watch.take(full(1, 100))

    assert await crossed(watch) == []
    watch.take(change(2, 110))
    assert await crossed(watch) == [10]


async def test_an_epoch_that_opens_later_waits_for_its_time() -> None:
    epochs = {"fest": Epoch("fest", {"id": "Fest", "en": "Fest"}, AS_OF + timedelta(days=1))}
    watch = CutEvaluator(rules(rule(epoch="fest"), epochs=epochs), MemoryLatches())
    watch.take(full(1, 100))
    await watch.evaluate_once()
    watch.take(change(2, 110))

    assert await crossed(watch) == []


async def test_a_margin_lets_the_same_threshold_cross_again() -> None:
    watch = CutEvaluator(rules(rule(rearm_margin=3)), MemoryLatches())
    found = []
    for number, count in enumerate((10, 8, 11, 7, 9, 10), start=1):
        watch.take(full(number, count))
        found.append(await crossed(watch))

    assert found == [[10], [], [], [], [], [10]]

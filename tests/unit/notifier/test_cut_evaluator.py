"""The cut evaluator evaluates every complete cut once, never goes back to an older cut, and evaluates the
same changes again after a failure of the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cuts.records import CutRecord
from cuts.state import ApplyReason
from notifier.cut_evaluator import CutEvaluator
from notifier.domain.evaluation_progress import EvaluatedCut
from notifier.domain.milestones import LatchState
from notifier.domain.rules import At, Every, Rule
from notifier.rules_file.reader import Epoch, Rules
from tests.support.fakes.latch_store import MemoryLatchStore
from tests.support.samples.milestones import AS_OF, official, rule, webhook


def rules(*listed: Any, epochs: dict[str, Epoch] | None = None) -> Rules:
    return Rules(listed or (rule(thresholds=At((10, 20))),), {}, epochs or {}, (official(), webhook()), {})


def full(number: int, count: int, *, term: int = 1, part: int = 0, parts: int = 1, **other: Any) -> CutRecord:
    return CutRecord(
        cut=number,
        term=term,
        kind="full",
        as_of=AS_OF + timedelta(seconds=number),
        positions=(count,),
        rows=(("all", "31", "registered", count),),
        part=part,
        parts=parts,
        **other,
    )


def change(number: int, count: int, *, term: int = 1) -> CutRecord:
    return CutRecord(
        cut=number,
        term=term,
        kind="change",
        base=number - 1,
        as_of=AS_OF + timedelta(seconds=number),
        positions=(count,),
        rows=(("all", "31", "registered", count),),
    )


async def crossed(evaluator: CutEvaluator) -> list[int]:
    return [crossing.threshold for crossing in await evaluator.evaluate_once()]


async def test_nothing_is_evaluated_before_a_complete_cut() -> None:
    evaluator = CutEvaluator(rules(), MemoryLatchStore())
    evaluator.apply(full(1, 15, part=0, parts=2), 0)

    assert await crossed(evaluator) == []


async def test_a_change_that_reaches_a_threshold_crosses_it_once() -> None:
    evaluator = CutEvaluator(rules(), MemoryLatchStore())
    evaluator.apply(full(1, 9), 0)
    assert await crossed(evaluator) == []
    evaluator.apply(change(2, 10), 0)

    assert await crossed(evaluator) == [10]
    assert await crossed(evaluator) == []


async def test_a_cut_of_a_lower_term_is_ignored() -> None:
    evaluator = CutEvaluator(rules(), MemoryLatchStore())
    evaluator.apply(full(5, 9, term=2), 0)

    applied = evaluator.apply(full(9, 15, term=1), 0)

    assert applied.reason is ApplyReason.OLDER
    assert await crossed(evaluator) == []


async def test_crossings_are_latched_at_the_next_evaluation_if_the_database_failed() -> None:
    store = MemoryLatchStore()
    evaluator = CutEvaluator(rules(), store)
    evaluator.apply(full(1, 15), 0)
    store.failures = 1
    with pytest.raises(ConnectionError):
        await evaluator.evaluate_once()

    assert await evaluator.wait_for_change(0.01)
    assert await crossed(evaluator) == [10]


async def test_a_failed_evaluation_holds_back_the_next_record() -> None:
    store = MemoryLatchStore()
    evaluator = CutEvaluator(rules(), store)
    evaluator.apply(full(1, 15), 0)
    store.failures = 1
    next_record = asyncio.ensure_future(evaluator.wait_until_evaluated())
    with pytest.raises(ConnectionError):
        await evaluator.evaluate_once()
    await asyncio.sleep(0)
    assert not next_record.done()

    await evaluator.evaluate_once()

    await asyncio.wait_for(next_record, 30)


async def restarted(store: MemoryLatchStore, *records: CutRecord, **options: Any) -> list[int]:
    """Return what a new evaluator crosses that reads these records after the last evaluated cut."""
    evaluator = CutEvaluator(rules(**options), store)
    await evaluator.evaluate_once()
    thresholds: list[int] = []
    for offset, record in enumerate(records):
        evaluator.apply(record, offset)
        thresholds += await crossed(evaluator)
    return thresholds


async def test_a_restarted_evaluator_crosses_a_threshold_that_was_reached_and_left_meanwhile() -> None:
    store = MemoryLatchStore()
    assert await restarted(store, full(1, 1)) == []

    assert await restarted(store, full(1, 1), change(2, 15), change(3, 4)) == [10]
    assert await restarted(store, full(1, 1), change(2, 15), change(3, 4)) == []


async def test_the_stored_cut_names_the_full_record_from_which_it_can_be_read_again() -> None:
    store = MemoryLatchStore()
    evaluator = CutEvaluator(rules(), store)
    evaluator.apply(full(1, 1, part=0, parts=2), 7)
    evaluator.apply(full(1, 2, part=1, parts=2), 8)
    evaluator.apply(change(2, 15), 9)

    await evaluator.evaluate_once()

    as_of = AS_OF + timedelta(seconds=2)
    assert store.evaluated == EvaluatedCut((1, 2), as_of, full_version=(1, 1), full_offset=7)


async def test_a_replay_of_evaluated_cuts_does_not_retract_and_cross_again() -> None:
    store = MemoryLatchStore()
    records = (full(1, 10), change(2, 5), change(3, 12))
    margin = rule(rearm_margin=3)
    evaluator = CutEvaluator(rules(margin), store)
    for record in records:
        evaluator.apply(record, 0)
        await evaluator.evaluate_once()

    replaying = CutEvaluator(rules(margin), store)
    await replaying.evaluate_once()
    for record in records:
        replaying.apply(record, 0)
        assert await crossed(replaying) == []

    assert await store.latches() == {("all", "31", "rule", 10, "ever"): LatchState(2)}


async def test_an_evaluator_that_is_behind_another_one_retracts_and_crosses_nothing() -> None:
    store = MemoryLatchStore()
    fast, slow = (CutEvaluator(rules(rule(rearm_margin=3)), store) for _ in range(2))
    await slow.evaluate_once()
    records = (full(1, 10), change(2, 5), change(3, 12))
    for record in records:
        fast.apply(record, 0)
        await fast.evaluate_once()

    for record in records:
        slow.apply(record, 0)
        assert await crossed(slow) == []

    assert await store.latches() == {("all", "31", "rule", 10, "ever"): LatchState(2)}


PEAK = ("all", "31", "registered", 15)


async def missed(store: MemoryLatchStore, left_at: datetime, **options: Any) -> list[int]:
    """Return what an evaluator crosses that finds only a full record, with a peak left at this time."""
    evaluator = CutEvaluator(rules(**options), store)
    await evaluator.evaluate_once()
    evaluator.start_again()
    evaluator.apply(full(9, 4, peaks=((*PEAK, left_at),)), 0)
    return await crossed(evaluator)


async def test_a_peak_in_cuts_that_the_topic_no_longer_has_crosses_its_thresholds() -> None:
    store = MemoryLatchStore()
    await restarted(store, full(1, 1))

    assert await missed(store, AS_OF + timedelta(seconds=5)) == [10]
    assert await missed(store, AS_OF + timedelta(seconds=5)) == []


async def test_a_peak_before_the_last_evaluated_cut_crosses_nothing() -> None:
    store = MemoryLatchStore()
    await restarted(store, full(1, 1))

    assert await missed(store, AS_OF) == []


async def test_the_first_evaluation_of_an_installation_uses_no_peaks() -> None:
    assert await missed(MemoryLatchStore(), AS_OF + timedelta(seconds=5)) == []


async def test_cuts_of_topics_that_were_created_again_are_evaluated_although_their_versions_are_lower() -> (
    None
):
    store = MemoryLatchStore()
    await restarted(store, full(7, 1, term=9))
    evaluator = CutEvaluator(rules(), store)
    await evaluator.evaluate_once()
    evaluator.start_again()

    evaluator.apply(full(1, 15, term=2), 0)

    assert await crossed(evaluator) == [10]
    assert store.evaluated is not None
    assert store.evaluated.version == (2, 1)


async def test_a_new_register_epoch_retracts_nothing_that_is_crossed_again() -> None:
    store = MemoryLatchStore()
    evaluator = CutEvaluator(rules(rule(rearm_margin=3)), store)
    thresholds = []
    counts = [(12, 1), (0, 2), (9, 2), (12, 2), (6, 2), (10, 2)]
    for number, (count, epoch) in enumerate(counts, start=1):
        evaluator.apply(full(number, count, epoch=epoch), 0)
        thresholds.append(await crossed(evaluator))

    assert thresholds == [[10], [], [], [], [], [10]]  # only the fall inside epoch 2 retracts the crossing


async def test_a_restart_with_a_replay_of_all_cuts_alerts_nobody_again() -> None:
    store = MemoryLatchStore()
    for _ in range(2):
        evaluator = CutEvaluator(rules(), store)
        for record in (full(1, 9), change(2, 10), change(3, 25)):
            evaluator.apply(record, 0)
            await evaluator.evaluate_once()

    assert sorted(len(message.alerts) for message in store.messages) == [1, 1, 1, 1]


async def test_two_evaluators_with_one_store_latch_once() -> None:
    store = MemoryLatchStore()
    evaluators = [CutEvaluator(rules(), store) for _ in range(2)]
    for evaluator in evaluators:
        evaluator.apply(full(1, 15), 0)
        assert await evaluator.evaluate_once() is not None

    assert [len(message.alerts) for message in store.messages] == [1, 1]


async def test_a_jump_over_many_thresholds_is_one_message_per_official() -> None:
    store = MemoryLatchStore()
    evaluator = CutEvaluator(rules(rule(thresholds=Every(10_000))), store)
    evaluator.apply(full(1, 281_812), 0)

    assert len(await evaluator.evaluate_once()) == 28
    assert sorted(len(message.alerts) for message in store.messages) == [1] * 28 + [28]


async def test_a_rule_added_later_crosses_at_the_next_start() -> None:
    store = MemoryLatchStore()
    for listed in ((rule(),), (rule(), rule("late", thresholds=At((5,))))):
        evaluator = CutEvaluator(rules(*listed), store)
        evaluator.apply(full(1, 15), 0)
        thresholds = await crossed(evaluator)

    assert thresholds == [5]


async def test_growth_is_measured_from_the_first_cut_of_the_epoch() -> None:
    epochs = {"fest": Epoch("fest", {"id": "Fest", "en": "Fest"}, AS_OF)}
    evaluator = CutEvaluator(rules(rule(epoch="fest"), epochs=epochs), MemoryLatchStore())
    evaluator.apply(full(1, 100), 0)

    assert await crossed(evaluator) == []
    evaluator.apply(change(2, 110), 0)
    assert await crossed(evaluator) == [10]


async def test_a_change_of_the_stock_alone_evaluates_growth_again() -> None:
    epochs = {"fest": Epoch("fest", {"id": "Fest", "en": "Fest"}, AS_OF)}
    evaluator = CutEvaluator(rules(rule(epoch="fest"), epochs=epochs), MemoryLatchStore())
    stocked = replace(full(1, 100), rows=(("all", "31", "registered", 100), ("all", "31", "stock", 60)))
    evaluator.apply(stocked, 0)
    await evaluator.evaluate_once()

    # In one cut, ten participants of the stock withdraw and ten others register live.
    evaluator.apply(replace(change(2, 100), rows=(("all", "31", "stock", 50),)), 0)

    assert await crossed(evaluator) == [10]


async def test_an_import_of_stock_is_no_growth_of_an_epoch() -> None:
    epochs = {"fest": Epoch("fest", {"id": "Fest", "en": "Fest"}, AS_OF)}
    evaluator = CutEvaluator(rules(rule(epoch="fest"), epochs=epochs), MemoryLatchStore())
    evaluator.apply(full(1, 100), 0)
    await evaluator.evaluate_once()

    imported = (("all", "31", "registered", 1_105), ("all", "31", "stock", 1_000))
    evaluator.apply(replace(change(2, 1_105), rows=imported), 0)
    assert await crossed(evaluator) == []
    evaluator.apply(change(3, 1_110), 0)
    assert await crossed(evaluator) == [10]


async def test_an_epoch_does_not_open_before_its_time() -> None:
    epochs = {"fest": Epoch("fest", {"id": "Fest", "en": "Fest"}, AS_OF + timedelta(days=1))}
    evaluator = CutEvaluator(rules(rule(epoch="fest"), epochs=epochs), MemoryLatchStore())
    evaluator.apply(full(1, 100), 0)
    await evaluator.evaluate_once()
    evaluator.apply(change(2, 110), 0)

    assert await crossed(evaluator) == []


async def test_a_margin_lets_the_same_threshold_cross_again() -> None:
    evaluator = CutEvaluator(rules(rule(rearm_margin=3)), MemoryLatchStore())
    thresholds = []
    for number, count in enumerate((10, 8, 11, 7, 9, 10), start=1):
        evaluator.apply(full(number, count), 0)
        thresholds.append(await crossed(evaluator))

    assert thresholds == [[10], [], [], [], [], [10]]


async def latched_with_deaths(
    every: Rule, records: Sequence[CutRecord], deaths: Collection[int]
) -> MemoryLatchStore:
    """Evaluate the records; before each cut in `deaths`, a new evaluator reads all earlier records again."""
    store = MemoryLatchStore()
    unread: list[CutRecord] = []
    for number, record in enumerate(records):
        if number == 0 or number in deaths:
            evaluator = CutEvaluator(rules(every), store)
            await evaluator.evaluate_once()
            unread = list(records[:number])
        for read in [*unread, record]:
            evaluator.apply(read, 0)
            await evaluator.evaluate_once()
        unread = []
    return store


@settings(max_examples=150)
@given(
    counts=st.lists(st.integers(0, 6), min_size=1, max_size=8),
    deaths=st.sets(st.integers(1, 7)),
    margin=st.one_of(st.none(), st.integers(1, 3)),
)
async def test_restarts_change_no_latch(counts: list[int], deaths: set[int], margin: int | None) -> None:
    every = rule(thresholds=Every(2), rearm_margin=margin)
    records = [
        full(0, counts[0]),
        *(change(number, count) for number, count in enumerate(counts[1:], start=1)),
    ]

    dying = await latched_with_deaths(every, records, deaths)

    living = await latched_with_deaths(every, records, ())
    assert await dying.latches() == await living.latches()
    assert [message.id for message in dying.messages] == [message.id for message in living.messages]

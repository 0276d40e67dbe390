"""Milestone rules are level-triggered, latch a crossing once, and retract a crossing only with a margin."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.milestones import Cut, Evaluation, LatchKey, LatchState, RuleSet, evaluate
from notifier.domain.rules import At, Every, PercentOfTarget, Rule
from tests.support.samples.milestones import AS_OF, cut, rule

LATCHED = {("all", "31", "rule", 10, "ever"): LatchState()}


def thresholds(evaluation: Evaluation) -> list[int]:
    return [crossing.threshold for crossing in evaluation.crossings]


def test_a_value_at_the_threshold_crosses_it() -> None:
    evaluation = evaluate(RuleSet((rule(),)), cut(("31", 10)), {})

    assert thresholds(evaluation) == [10]


def test_a_value_below_the_threshold_crosses_nothing() -> None:
    evaluation = evaluate(RuleSet((rule(),)), cut(("31", 9)), {})

    assert evaluation == Evaluation()


def test_a_latched_threshold_does_not_cross_again() -> None:
    evaluation = evaluate(RuleSet((rule(),)), cut(("31", 12)), LATCHED)

    assert evaluation == Evaluation()


def test_a_correction_below_the_threshold_changes_nothing_without_a_margin() -> None:
    evaluation = evaluate(RuleSet((rule(),)), cut(("31", 1)), LATCHED)

    assert evaluation == Evaluation()


def test_a_jump_over_several_thresholds_crosses_each() -> None:
    evaluation = evaluate(RuleSet((rule(thresholds=At((5, 10, 15, 20))),)), cut(("31", 17)), {})

    assert thresholds(evaluation) == [5, 10, 15]


def test_every_gives_each_multiple_greater_than_above() -> None:
    evaluation = evaluate(RuleSet((rule(thresholds=Every(10_000, 200_000)),)), cut(("31", 281_812)), {})

    assert thresholds(evaluation) == [210_000, 220_000, 230_000, 240_000, 250_000, 260_000, 270_000, 280_000]


def test_one_evaluation_is_bounded_and_reports_that_there_is_more() -> None:
    rule_set = RuleSet((rule(thresholds=Every(100)),))

    evaluation = evaluate(rule_set, cut(("31", 281_812)), {}, crossings_max=50)

    assert (len(evaluation.crossings), evaluation.has_more) == (50, True)


def test_a_percentage_of_the_target_is_rounded_up() -> None:
    rule_set = RuleSet((rule(thresholds=PercentOfTarget((50, 100))),), {("all", "31", "registered"): 3})

    of_one, of_two = (evaluate(rule_set, cut(("31", value)), {}) for value in (1, 2))

    assert (thresholds(of_one), thresholds(of_two)) == ([], [2])


def test_a_percentage_without_a_target_crosses_nothing() -> None:
    evaluation = evaluate(RuleSet((rule(thresholds=PercentOfTarget((1,))),)), cut(("31", 1000)), {})

    assert evaluation == Evaluation()


def test_a_level_covers_its_regions_but_not_unplaced_counts() -> None:
    counts = cut(("31", 99), ("31.00", 99), ("31.71", 99), ("31.71.06", 99), ("31.71.06.1003", 99))

    evaluation = evaluate(RuleSet((rule(level="city"),)), counts, {})

    assert [crossing.region for crossing in evaluation.crossings] == ["31.71"]


def test_another_scope_or_measure_crosses_nothing() -> None:
    other_scope = cut(("31", 99), scope="campaign:fest-2021")
    other_measure = cut(("31", 99), measure="step:P2")

    evaluations = [evaluate(RuleSet((rule(),)), counts, {}) for counts in (other_scope, other_measure)]

    assert evaluations == [Evaluation(), Evaluation()]


def test_an_epoch_counts_the_growth_since_it_opened() -> None:
    rule_set = RuleSet((rule(epoch="fest"),), bases={"fest": {("all", "31", "registered"): 100}})

    below, reached = (evaluate(rule_set, cut(("31", value)), {}) for value in (109, 110))

    assert thresholds(below) == []
    assert [(crossing.value, crossing.count) for crossing in reached.crossings] == [(10, 110)]


def test_stock_counts_in_totals_and_not_as_growth() -> None:
    registered, stock = ("all", "31", "registered"), ("all", "31", "stock")
    rule_set = RuleSet(
        (rule("ever"), rule("night", epoch="fest")), bases={"fest": {registered: 100, stock: 90}}
    )

    imported = evaluate(rule_set, Cut("7.1", AS_OF, {registered: 150, stock: 140}), {})
    night = evaluate(rule_set, Cut("7.2", AS_OF, {registered: 160, stock: 140}), {})

    assert [(crossing.rule, crossing.value) for crossing in imported.crossings] == [("ever", 150)]
    assert [(crossing.rule, crossing.value) for crossing in night.crossings] == [("ever", 160), ("night", 10)]


def test_an_epoch_that_is_not_open_crosses_nothing() -> None:
    evaluation = evaluate(RuleSet((rule(epoch="fest"),)), cut(("31", 1000)), {})

    assert evaluation == Evaluation()


def test_a_margin_rearms_under_the_next_number() -> None:
    rule_set = RuleSet((rule(rearm_margin=3),))

    near = evaluate(rule_set, cut(("31", 8)), LATCHED)
    far = evaluate(rule_set, cut(("31", 7)), LATCHED)
    again = evaluate(
        rule_set, cut(("31", 10)), {("all", "31", "rule", 10, "ever"): LatchState(1, retracted=True)}
    )

    assert near == Evaluation()
    assert [retraction.key for retraction in far.retractions] == [("all", "31", "rule", 10, "ever")]
    assert [crossing.epoch_label for crossing in again.crossings] == ["ever.2"]


# The property tests use a small world: one region, counts from 0 to 6, and thresholds from 1 to 6.
COUNTS = st.integers(0, 6)
RULES = st.one_of(
    st.sets(st.integers(1, 6), min_size=1, max_size=3).map(lambda values: At(tuple(sorted(values)))),
    st.integers(1, 3).map(Every),
)


def run(rules: tuple[Rule, ...], values: Iterable[int]) -> list[LatchKey]:
    """Evaluate one cut per value, in order, and latch the crossings. Return all latches, in order."""
    latches: dict[LatchKey, LatchState] = {}
    latched: list[LatchKey] = []
    for number, value in enumerate(values):
        current = Cut(f"1.{number}", AS_OF, {("all", "31", "registered"): value})
        for crossing in evaluate(RuleSet(rules), current, latches).crossings:
            latches[crossing.key] = LatchState(crossing.number)
            latched.append(crossing.key)
    return latched


@given(RULES, st.lists(COUNTS, max_size=8))
def test_every_threshold_that_was_ever_reached_is_latched_exactly_once(
    kind: At | Every, values: list[int]
) -> None:
    latched = run((rule(thresholds=kind),), values)

    highest = max(values, default=0)
    expected = kind.values if isinstance(kind, At) else tuple(range(kind.step, 7, kind.step))
    assert sorted(key[3] for key in latched) == [value for value in expected if value <= highest]


@given(RULES, st.lists(COUNTS, min_size=1, max_size=8), st.data())
def test_skipping_cuts_loses_only_thresholds_that_are_no_longer_reached(
    kind: At | Every, values: list[int], data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))

    latched = run(
        (rule(thresholds=kind),), [v for v, keep in zip(values, kept, strict=True) if keep] + [values[-1]]
    )

    without_skipping = set(run((rule(thresholds=kind),), values))
    still_reached = {key for key in without_skipping if key[3] <= values[-1]}
    assert still_reached <= set(latched) <= without_skipping
    assert len(latched) == len(set(latched))


@given(RULES, st.lists(COUNTS, max_size=6), st.integers(1, 3))
def test_a_replay_of_all_cuts_latches_nothing_more(kind: At | Every, values: list[int], times: int) -> None:
    once = run((rule(thresholds=kind),), values)

    assert run((rule(thresholds=kind),), values * times) == once


@given(RULES, st.lists(COUNTS, min_size=1, max_size=6))
def test_a_rule_added_later_latches_the_thresholds_reached_then(kind: At | Every, values: list[int]) -> None:
    late = run((rule(thresholds=kind),), values[-1:])

    assert all(key[3] <= values[-1] for key in late)
    assert set(late) <= set(run((rule(thresholds=kind),), values))


@given(RULES, COUNTS, st.integers(1, 3))
def test_repeated_bounded_evaluations_latch_every_threshold(
    kind: At | Every, value: int, crossings_max: int
) -> None:
    latches: dict[LatchKey, LatchState] = {}
    latched, has_more = [], True
    while has_more:
        evaluation = evaluate(
            RuleSet((rule(thresholds=kind),)), cut(("31", value)), latches, crossings_max=crossings_max
        )
        latched += thresholds(evaluation)
        latches.update({crossing.key: LatchState() for crossing in evaluation.crossings})
        has_more = evaluation.has_more

    assert latched == [key[3] for key in run((rule(thresholds=kind),), [value])]

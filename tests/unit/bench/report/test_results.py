from __future__ import annotations

import pytest

from bench.measurement.process_usage import Usage
from bench.paths.path_definition import Goal, Measurement
from bench.report.results import (
    PathRun,
    ProcessUsage,
    Ratio,
    Result,
    Run,
    compare,
    from_json,
    merged,
    ratio_of,
    results_of,
    to_json,
    usage_of,
)
from tests.support.samples.bench_path import contender, path


def result(rival: str, median: float, low: float, high: float, *, path: str = "road") -> Result:
    return Result(path, rival, Ratio(median, low, high), 1.2, median >= 1.2, 10.0, 5.0, "events/s", 5)


def measured(rate: float, wait: float = 10.0) -> Measurement:
    return Measurement({"rate": rate, "wait": wait})


def test_a_ratio_is_the_median_of_the_pairs_ratios_and_not_the_ratio_of_the_medians() -> None:
    pairs = [(10.0, 10.0), (40.0, 10.0), (90.0, 30.0)]

    assert ratio_of(pairs, more_is_better=True) == Ratio(3.0, 1.0, 4.0)


def test_if_less_is_better_half_of_theirs_is_a_ratio_of_two() -> None:
    assert ratio_of([(5.0, 10.0)], more_is_better=False) == Ratio(2.0, 2.0, 2.0)


def test_only_rounds_with_both_contenders_are_pairs() -> None:
    goal = Goal("rate", "theirs", at_least=1.5)
    path_run = PathRun(path(contender("theirs", 1.0), goals=(goal,)))
    path_run.rounds = [
        {"ours": measured(100), "theirs": measured(50)},
        {"ours": measured(1000)},
        {"theirs": measured(1)},
    ]

    (found,) = results_of(path_run)

    assert found.ratio == Ratio(2.0, 2.0, 2.0)
    assert (found.pairs, found.met, found.ours, found.theirs) == (1, True, 100, 50)


def test_a_goal_is_met_at_its_value_and_not_just_below() -> None:
    goals = (
        Goal("rate", "theirs", at_least=2.0),
        Goal("rate", "theirs", at_least=2.001),
        Goal("rate", "theirs"),
    )
    path_run = PathRun(path(contender("theirs", 1.0), goals=goals))
    path_run.rounds = [{"ours": measured(100), "theirs": measured(50)}]

    assert [found.met for found in results_of(path_run)] == [True, False, None]


def test_a_limit_replaces_the_rivals_figure() -> None:
    path_run = PathRun(path(goals=(Goal("wait", "40 ms", at_least=1, limit=40),)))
    path_run.rounds = [
        {"ours": measured(1, wait=50)},
        {"ours": measured(1, wait=20)},
        {"ours": measured(1, wait=25)},
    ]

    (found,) = results_of(path_run)

    assert (found.rival, found.ratio, found.met) == ("40 ms: wait", Ratio(1.6, 0.8, 2.0), True)


def test_a_path_without_measurements_has_no_results() -> None:
    path_run = PathRun(
        path(contender("theirs", 1.0), goals=(Goal("rate", "theirs", 1), Goal("wait", "9 ms", 1, 9)))
    )

    assert results_of(path_run) == []


def test_cpu_is_reported_per_thousand_events() -> None:
    path_run = PathRun(path())
    path_run.rounds = [
        {"ours": Measurement({}, 2_000, (Usage("worker", cpu, 64.0),))} for cpu in (1.0, 4.0, 6.0)
    ]

    assert usage_of(path_run) == [ProcessUsage("road", "ours", "worker", 2.0, 64.0)]


def test_a_results_file_reads_back_as_it_was_written() -> None:
    run = Run(
        {"cores": 2}, (result("theirs", 2, 1, 3),), (ProcessUsage("road", "ours", "w", None, 1.0),), ("x",)
    )

    assert from_json(to_json(run)) == run


def test_new_figures_of_a_path_replace_its_old_ones_and_keep_other_paths() -> None:
    earlier = Run(
        {"load": 1}, (result("a", 1, 1, 1), result("b", 1, 1, 1), result("c", 3, 3, 3, path="street"))
    )

    whole = merged(earlier, Run({"load": 2}, (result("a", 2, 2, 2),)))

    assert [(kept.path, kept.rival, kept.ratio.median) for kept in whole.results] == [
        ("street", "c", 3),
        ("road", "a", 2),
    ]
    assert whole.machine == {"load": 2}


def test_a_failure_is_kept_until_its_path_is_measured_again() -> None:
    earlier = Run(
        {}, (result("a", 1, 1, 1),), failures=("road, b: OSError: gone", "street, c: OSError: gone")
    )

    whole = merged(earlier, Run({}, (result("a", 2, 2, 2),), failures=("road, d: OSError: gone",)))

    assert whole.failures == ("street, c: OSError: gone", "road, d: OSError: gone")


@pytest.mark.parametrize(
    ("now", "line"),
    [
        (result("r", 3.0, 2.5, 3.5), "road ÷ r: 2.00 → 3.00 (+50%, better)"),
        (result("r", 1.0, 0.9, 1.1), "road ÷ r: 2.00 → 1.00 (-50%, worse)"),
        (result("r", 2.2, 1.9, 2.6), "road ÷ r: 2.00 → 2.20 (+10%, within the spread)"),
    ],
)
def test_a_change_is_better_or_worse_only_if_the_spreads_do_not_overlap(now: Result, line: str) -> None:
    assert compare([result("r", 2.0, 1.8, 2.2)], [now]) == [line]


def test_a_result_of_only_one_run_is_marked() -> None:
    assert compare([result("a", 2, 2, 2)], [result("b", 3, 3, 3)]) == [
        "road ÷ a: was 2.00 (not measured now)",
        "road ÷ b: 3.00 (new)",
    ]

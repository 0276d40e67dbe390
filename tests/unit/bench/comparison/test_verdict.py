from __future__ import annotations

from collections.abc import Mapping

import pytest
import typer
from typer.testing import CliRunner, Result

from bench.comparison.__main__ import main
from bench.comparison.pairs import Pair, Side, take_pairs
from bench.comparison.verdict import (
    NoComparisonError,
    figures_of,
    judged_figure,
    ratios_of,
    report,
    verdict,
)
from bench.paths.path_definition import Figure
from bench.paths.path_list import PATHS

RATE = Figure("events/s")
WAIT = Figure("ms", more_is_better=False)


def pairs(*values: tuple[float, float]) -> list[Pair]:
    """Return pairs of measurements from pairs of figures (reference, this version)."""
    return [
        Pair({"rate": reference, "wait": reference}, {"rate": here, "wait": here})
        for reference, here in values
    ]


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, arguments)


def test_twice_the_rate_of_the_reference_is_a_ratio_of_two() -> None:
    assert ratios_of(pairs((50, 100)), "rate", RATE) == [2.0]


def test_half_the_latency_of_the_reference_is_a_ratio_of_two() -> None:
    assert ratios_of(pairs((100, 50)), "wait", WAIT) == [2.0]


def test_the_verdict_uses_the_median_so_one_bad_pair_of_three_passes() -> None:
    passed, message = verdict(pairs((100, 10), (100, 99), (100, 101)), "rate", RATE, 0.95)

    assert passed
    assert "0.990" in message


@pytest.mark.parametrize(("here", "passed"), [(95.0, True), (94.9, False)])
def test_a_median_at_the_minimum_passes_and_one_below_it_does_not(here: float, passed: bool) -> None:
    assert verdict(pairs((100, here)), "rate", RATE, 0.95)[0] is passed


def test_a_failed_verdict_names_the_figure_the_median_and_the_minimum() -> None:
    _, message = verdict(pairs((100, 90)), "rate", RATE, 0.95)

    assert message == "FAILED: the median ratio of rate is 0.900, below the minimum 0.95"


@pytest.mark.parametrize("taken", [pairs((0, 10)), pairs((10, 0)), [Pair({"rate": 1.0}, {})], []])
def test_without_a_ratio_there_is_no_verdict(taken: list[Pair]) -> None:
    with pytest.raises(NoComparisonError, match="rate"):
        verdict(taken, "rate", RATE, 0.95)


def test_the_report_has_every_figure_with_each_pair_in_the_order_taken() -> None:
    lines = report(pairs((100, 110), (100, 90)), {"rate": RATE, "wait": WAIT, "absent": RATE})

    assert lines == [
        "  rate: median 1.000, min 0.900, max 1.100; pairs 1.100 0.900",
        "  wait: median 1.010, min 0.909, max 1.111; pairs 0.909 1.111",
        "  absent: no ratio",
    ]


def test_every_second_pair_begins_with_this_version() -> None:
    order: list[str] = []

    def side(name: str, rate: float) -> Side:
        def measure() -> Mapping[str, float]:
            order.append(name)
            return {"rate": rate}

        return Side(name, measure)

    taken: list[Pair] = []
    take_pairs(side("reference", 100), side("here", 200), 3, taken, lambda _: None)

    assert order == ["reference", "here", "here", "reference", "reference", "here"]
    assert ratios_of(taken, "rate", RATE) == [2.0, 2.0, 2.0]


def test_pairs_measured_before_an_interrupt_are_kept() -> None:
    rates = iter([100.0, 100.0])

    def measure() -> Mapping[str, float]:
        try:
            return {"rate": next(rates)}
        except StopIteration:
            raise KeyboardInterrupt from None

    taken: list[Pair] = []
    with pytest.raises(KeyboardInterrupt):
        take_pairs(Side("reference", measure), Side("here", measure), 5, taken, lambda _: None)

    assert len(taken) == 1


@pytest.mark.parametrize("path", [path.name for path in PATHS])
def test_each_path_is_judged_by_its_rate_its_median_latency_its_cpu_or_its_recovery(path: str) -> None:
    lower_is_better = {"latency": "p50", "alert": "p50", "board": "CPU", "recovery": "beyond the time-out"}
    figures = figures_of(path)

    judged = judged_figure(figures, "")

    assert judged == lower_is_better.get(path, "rate")
    assert figures[judged].more_is_better is (path not in lower_is_better)


def test_another_figure_of_the_path_can_judge() -> None:
    assert judged_figure(figures_of("board"), "p99") == "p99"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["HEAD", "--path", "nowhere"], ["nowhere", "intake"]),
        (["HEAD", "--path", "board", "--figure", "rate"], ["rate", "CPU"]),
        (["no-such-commit", "--path", "intake"], ["no-such-commit"]),
        (["--path", "intake"], ["REF"]),
        (["HEAD"], ["--path"]),
        (["HEAD", "--path", "intake", "--pairs", "0"], ["--pairs"]),
        (["HEAD", "--path", "intake", "--min", "-1"], ["--min"]),
    ],
)
def test_a_wrong_argument_is_named_and_ends_with_status_2(arguments: list[str], words: list[str]) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert all(word in result.stderr for word in words)


def test_help_names_every_option() -> None:
    result = run("--help")

    assert result.exit_code == 0
    assert all(f"--{name}" in result.stdout for name in ("path", "pairs", "min", "figure", "quick"))

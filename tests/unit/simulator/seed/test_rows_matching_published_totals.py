"""Synthetic participants have exact totals per region and step, and the same seed gives the same rows."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.seed.population import weights_2021
from simulator.seed.rows_matching_published_totals import HEADER, region_totals, rows, step_totals


def column(name: str, of: list[tuple[str, ...]]) -> list[str]:
    return [row[HEADER.index(name)] for row in of]


@settings(max_examples=20)
@given(st.integers(0, 300), st.integers(0, 3))
def test_every_total_is_met_exactly(count: int, seed: int) -> None:
    written = list(rows(count, seed))

    assert Counter(column("region", written)) == Counter({k: n for k, n in region_totals(count).items() if n})
    steps = Counter(step for text in column("steps", written) for step in text.split(";") if step)
    assert steps == Counter({step: total for step, total in step_totals(count).items() if total})
    assert len(set(column("nik", written))) == count


def test_the_steps_have_the_published_proportions() -> None:
    assert step_totals(284_164) == {
        "P2": 176_891,
        "P3": 157_498,
        "P4": 148_374,
        "P5": 44_456,
        "P6": 32_883,
        "P7": 6_159,
    }
    assert step_totals(281_812)["P2"] == 175_427


def test_the_267_kelurahan_are_weighted_by_population() -> None:
    totals = region_totals(281_812)

    cities: Counter[str] = Counter()
    for code, total in totals.items():
        cities[code[:5]] += total
    assert len(totals) == len(weights_2021()) == 267
    assert sum(totals.values()) == 281_812
    assert min(totals.values()) > 0
    assert (
        cities["31.75"]
        > cities["31.73"]
        > cities["31.74"]
        > cities["31.72"]
        > cities["31.71"]
        > cities["31.01"]
    )


def test_the_same_seed_gives_the_same_rows_and_another_seed_other_rows() -> None:
    assert list(rows(50, 7)) == list(rows(50, 7))
    assert list(rows(50, 7)) != list(rows(50, 8))

"""Faults are dealt alike for one seed, every kind early, each before any again, no two that collide."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

import pytest

from faults.fault import Fault
from faults.kinds.store_faults import of_stores
from faults.planted.bugs import BUGS
from faults.planted_campaigns import HUNTS, chosen
from faults.fault_schedule import deal
from faults.campaign_result import Plan

PLAN = Plan(seconds=1, brokers=1, rate_per_s=1, import_rows=1, import_every_s=1, seed=7)


async def _nothing(*_: object) -> int:
    return 0


EVERY = [
    Fault(kind, f"{kind} {name}", _nothing, frozenset({name}))
    for kind in ("kill", "stop", "cut")
    for name in ("api", "relay", "worker", "board")
]


def _dealt(plan: Plan, rounds: int, seed: int = 1) -> list[tuple[Fault, ...]]:
    return list(islice(deal(plan, EVERY, random.Random(seed)), rounds))


def _flat(rounds: Iterable[tuple[Fault, ...]]) -> list[str]:
    return [one.name for faults in rounds for one in faults]


def test_the_same_seed_deals_the_same() -> None:
    assert _flat(_dealt(PLAN, 30)) == _flat(_dealt(PLAN, 30))
    assert _flat(_dealt(PLAN, 30)) != _flat(_dealt(PLAN, 30, seed=2))


@pytest.mark.parametrize("seed", range(20))
def test_each_fault_comes_once_before_any_comes_again(seed: int) -> None:
    first = _flat(_dealt(PLAN, len(EVERY), seed))[: len(EVERY)]

    assert sorted(first) == sorted(one.name for one in EVERY)


@pytest.mark.parametrize("seed", range(20))
def test_two_at_a_time_never_take_hold_of_the_same(seed: int) -> None:
    pairs = [faults for faults in _dealt(PLAN, 50, seed) if len(faults) == 2]

    assert pairs
    assert not [one for one, other in pairs if one.needs & other.needs]


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_comes_within_the_first_rounds(seed: int) -> None:
    kinds = {one.kind for faults in _dealt(PLAN, 5, seed) for one in faults}

    assert kinds == {"kill", "stop", "cut"}


def test_only_what_the_plan_takes_is_dealt() -> None:
    plan = replace(PLAN, faults=("kill",), without=("board",))

    assert set(_flat(_dealt(plan, 20))) == {"kill api", "kill relay", "kill worker"}


def test_a_script_is_followed_again_and_again() -> None:
    assert _flat(_dealt(replace(PLAN, script=tuple(EVERY[:2])), 4)) == ["kill api", "kill relay"] * 2


def test_a_plan_that_takes_nothing_is_refused() -> None:
    with pytest.raises(AssertionError, match="no fault is named like"):
        _dealt(replace(PLAN, faults=("flood",)), 1)


def test_each_planted_bug_is_hunted() -> None:
    assert {one.bug.name for one in HUNTS} == BUGS.keys()
    assert {name: one.bug.name for name in BUGS for one in chosen(name)} == {name: name for name in BUGS}


def test_a_hunt_runs_with_its_bug_or_without_any() -> None:
    with_bugs, without = chosen("all"), chosen("all", planted=False)

    assert all(set(one.plan(1).planted.values()) == {one.bug.name} for one in with_bugs)
    assert not [one for one in without if one.plan(1).planted]


def test_what_asks_the_database_is_not_paired_with_what_takes_it_away() -> None:
    asking = {"events sent again", "topic truncated"}

    assert {one.kind for one in of_stores(3) if one.kind in asking and "database" in one.needs} == asking

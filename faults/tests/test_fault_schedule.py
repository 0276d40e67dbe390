"""The seed determines the order of faults, every kind comes early, and two faults at once never conflict."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

import pytest

from faults.campaign_plan import CampaignPlan
from faults.fault import Fault
from faults.fault_schedule import schedule
from faults.kinds.store_faults import store_faults
from faults.planted.bugs import BUGS
from faults.planted_campaigns import CAMPAIGNS, select

PLAN = CampaignPlan(seconds=1, brokers=1, rate_per_s=1, import_rows=1, import_every_s=1, seed=7)


async def _nothing(*_: object) -> int:
    return 0


FAULTS = [
    Fault(kind, f"{kind} {name}", _nothing, frozenset({name}))
    for kind in ("kill", "stop", "cut")
    for name in ("api", "relay", "worker", "board")
]


def _scheduled(plan: CampaignPlan, rounds: int, seed: int = 1) -> list[tuple[Fault, ...]]:
    return list(islice(schedule(plan, FAULTS, random.Random(seed)), rounds))


def _names(rounds: Iterable[tuple[Fault, ...]]) -> list[str]:
    return [fault.name for faults in rounds for fault in faults]


def test_the_same_seed_gives_the_same_order() -> None:
    assert _names(_scheduled(PLAN, 30)) == _names(_scheduled(PLAN, 30))
    assert _names(_scheduled(PLAN, 30)) != _names(_scheduled(PLAN, 30, seed=2))


@pytest.mark.parametrize("seed", range(20))
def test_each_fault_comes_once_before_any_is_repeated(seed: int) -> None:
    first = _names(_scheduled(PLAN, len(FAULTS), seed))[: len(FAULTS)]

    assert sorted(first) == sorted(fault.name for fault in FAULTS)


@pytest.mark.parametrize("seed", range(20))
def test_the_faults_of_a_pair_share_no_resource(seed: int) -> None:
    pairs = [faults for faults in _scheduled(PLAN, 50, seed) if len(faults) == 2]

    assert pairs
    assert not [first for first, second in pairs if first.resources & second.resources]


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_comes_within_the_first_rounds(seed: int) -> None:
    kinds = {fault.kind for faults in _scheduled(PLAN, 5, seed) for fault in faults}

    assert kinds == {"kill", "stop", "cut"}


def test_only_faults_that_the_plan_allows_are_scheduled() -> None:
    plan = replace(PLAN, only=("kill",), without=("board",))

    assert set(_names(_scheduled(plan, 20))) == {"kill api", "kill relay", "kill worker"}


def test_a_script_is_repeated() -> None:
    assert _names(_scheduled(replace(PLAN, script=tuple(FAULTS[:2])), 4)) == ["kill api", "kill relay"] * 2


def test_a_plan_that_allows_no_fault_is_refused() -> None:
    with pytest.raises(AssertionError, match="no fault has a name with"):
        _scheduled(replace(PLAN, only=("flood",)), 1)


def test_each_planted_bug_has_a_campaign() -> None:
    assert {campaign.bug.name for campaign in CAMPAIGNS} == BUGS.keys()
    assert {name: campaign.bug.name for name in BUGS for campaign in select(name)} == {
        name: name for name in BUGS
    }


def test_a_campaign_runs_with_its_bug_or_without() -> None:
    with_bugs, without = select("all"), select("all", planted=False)

    assert all(set(campaign.plan(1).planted.values()) == {campaign.bug.name} for campaign in with_bugs)
    assert not [campaign for campaign in without if campaign.plan(1).planted]


def test_faults_that_query_the_database_are_not_paired_with_faults_of_it() -> None:
    querying = {"events sent again", "topic truncated"}

    assert {
        fault.kind for fault in store_faults(3) if fault.kind in querying and "database" in fault.resources
    } == querying

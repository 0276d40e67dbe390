"""The next threshold is the lowest threshold of a milestone rule above the count."""

from __future__ import annotations

import pytest

from board.regions import Region
from board.state.next_threshold import MilestoneRule, MilestoneRules, next_milestone

PROVINCE = Region("31", "DKI Jakarta", "province", None)
CITY = Region("31.71", "Jakarta Pusat", "city", "31")
RULES = MilestoneRules(
    (
        MilestoneRule("all", "registered", "ever", regions=("31",), at=(50, 200)),
        MilestoneRule("all", "registered", "ever", regions=("31",), every=100, above=200),
        MilestoneRule("all", "registered", "ever", level="city", at=(10,)),
        MilestoneRule("all", "registered", "fest", regions=("31",), at=(60,)),
        MilestoneRule("all", "step:P2", "ever", regions=("31",), at=(70,)),
        MilestoneRule("campaign:fest-2021", "registered", "ever", regions=("31",), at=(80,)),
    )
)


@pytest.mark.parametrize(
    ("region", "count", "expected"),
    [
        (PROVINCE, 0, 50),
        (PROVINCE, 49, 50),
        (PROVINCE, 50, 200),
        (PROVINCE, 200, 300),
        (PROVINCE, 300, 400),
        (CITY, 9, 10),
        (CITY, 10, None),
    ],
)
def test_the_next_threshold_is_above_the_count_and_of_this_scope_region_measure_and_epoch(
    region: Region, count: int, expected: int | None
) -> None:
    assert next_milestone(RULES, "all", region, count) == expected


def test_without_rules_there_is_no_next_milestone() -> None:
    assert next_milestone(MilestoneRules(), "all", PROVINCE, 5) is None

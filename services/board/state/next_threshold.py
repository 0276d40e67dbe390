"""The thresholds of the milestone rules, as the notifier publishes them, and the next one above a count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from board.regions import Region

EVER = "ever"
"""The epoch in which a threshold is a count; in other epochs it is a growth, which the page does not show."""


class MilestoneRule(msgspec.Struct, frozen=True):
    """The thresholds of one rule: `at`, or every multiple of `every` above `above`."""

    scope: str
    measure: str
    epoch: str
    level: str | None = None
    regions: tuple[str, ...] | None = None
    at: tuple[int, ...] = ()
    every: int | None = None
    above: int = 0

    def covers(self, region: Region) -> bool:
        """Whether the rule applies to this region."""
        return region.code in self.regions if self.regions is not None else region.level == self.level

    def next_above(self, count: int) -> int | None:
        """Return the lowest threshold above `count`; None if there is none."""
        if self.every is not None:
            return (max(count, self.above) // self.every + 1) * self.every
        return min((threshold for threshold in self.at if threshold > count), default=None)


class MilestoneRules(msgspec.Struct, frozen=True):
    """A record of the topic milestones: the thresholds of all rules."""

    rules: tuple[MilestoneRule, ...] = ()


def next_milestone(rules: MilestoneRules, scope: str, region: Region, count: int) -> int | None:
    """Return the lowest threshold above the count of registered participants; None if no rule has one."""
    return min(_thresholds_above(rules.rules, scope, region, count), default=None)


def _thresholds_above(
    rules: Iterable[MilestoneRule], scope: str, region: Region, count: int
) -> Iterator[int]:
    for rule in rules:
        if (rule.scope, rule.measure, rule.epoch) == (scope, "registered", EVER) and rule.covers(region):
            threshold = rule.next_above(count)
            if threshold is not None:
                yield threshold

"""Describes the thresholds of the rules for readers of the topic milestones, without recipients.

The functions do no I/O and read no clock.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from notifier.domain.rules import At, Every, Key, PercentOfTarget, Rule, thresholds


def published_rules(rules: Iterable[Rule], targets: Mapping[Key, int]) -> list[dict[str, Any]]:
    """Return the rules as in contract/schemas/milestone-rules.json.

    A rule with percentages of targets becomes one entry for each region with a target.
    """
    return [entry for rule in rules for entry in _entries(rule, targets)]


def _entries(rule: Rule, targets: Mapping[Key, int]) -> Iterator[dict[str, Any]]:
    head = {"rule": rule.id, "scope": rule.scope, "measure": rule.measure, "epoch": rule.epoch}
    place: dict[str, Any] = (
        {"level": rule.level} if rule.regions is None else {"regions": sorted(rule.regions)}
    )
    match rule.thresholds:
        case At(values):
            yield head | place | {"at": list(values)}
        case Every(step, above):
            yield head | place | {"every": step, "above": above}
        case PercentOfTarget():
            for (scope, region, measure), target in sorted(targets.items()):
                if (scope, measure) == (rule.scope, rule.measure) and rule.covers(region):
                    reached = [threshold for threshold, _ in thresholds(rule, target, sys.maxsize)]
                    yield head | {"regions": [region], "at": sorted(set(reached))}

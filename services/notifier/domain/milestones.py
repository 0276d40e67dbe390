"""Which thresholds the counts of a cut have reached that nobody was told about yet.

Level-triggered: what counts is that a value stands at or above a threshold without a latch. A value never
seen because a cut was skipped, a replay, a restart and a rule added late are therefore all the same case.
Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from notifier.domain.rules import EVER, Key, Rule, thresholds

LatchKey = tuple[str, str, str, int, str]
"""(scope, region, rule, threshold, epoch's name)."""

CROSSINGS_MAX: Final = 500
"""At most so many crossings come out of one evaluation; the rest come out of the next."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The counts to look at, and the cut they stand in."""

    id: str
    as_of: datetime
    counts: Mapping[Key, int]


@dataclass(frozen=True, slots=True)
class Latched:
    """What is known of a threshold: how often it has been armed, and whether it is latched now."""

    number: int = 1
    closed: bool = False
    """True once it was re-armed: the next crossing is number + 1."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold reached, with its evidence."""

    scope: str
    region: str
    rule: str
    measure: str
    threshold: int
    epoch: str
    number: int
    value: int
    """What was compared: the count, or its growth in the epoch."""
    count: int
    cut: str
    as_of: datetime
    percent: int | None = None
    target: int | None = None

    @property
    def key(self) -> LatchKey:
        """What finds its latch."""
        return (self.scope, self.region, self.rule, self.threshold, self.epoch)

    @property
    def epoch_label(self) -> str:
        """The epoch with its number from the second arming on: `ever`, `ever.2`."""
        return self.epoch if self.number == 1 else f"{self.epoch}.{self.number}"


@dataclass(frozen=True, slots=True)
class Rearmed:
    """A latch whose value fell below its threshold by the rule's margin."""

    key: LatchKey
    number: int
    value: int
    cut: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a cut asks for; `more` says that further crossings wait for the next evaluation."""

    crossings: tuple[Crossing, ...] = ()
    rearmed: tuple[Rearmed, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Milestones:
    """The rules with what they compare with: targets by key, and the base of each open epoch.

    A rule of an epoch that is not open stays silent.
    """

    rules: tuple[Rule, ...]
    targets: Mapping[Key, int] = field(default_factory=dict)
    bases: Mapping[str, Mapping[Key, int]] = field(default_factory=dict)


def evaluate(
    milestones: Milestones,
    cut: Cut,
    latches: Mapping[LatchKey, Latched],
    crossings_max: int = CROSSINGS_MAX,
) -> Evaluation:
    """The crossings of this cut that have no latch, lowest threshold first, and the latches that re-arm.

    Several thresholds jumped at once are several crossings. A value below a latched threshold changes
    nothing unless the rule has a margin.
    """
    crossings: list[Crossing] = []
    rearmed: list[Rearmed] = []
    by_key = _by_scope_and_measure(milestones.rules)
    for key, count in sorted(cut.counts.items()):
        scope, region, measure = key
        for rule in by_key.get((scope, measure), ()):
            value = _value(milestones, rule, key, count)
            if value is None or not rule.watches(region):
                continue
            for crossing in _reached(milestones, rule, key, value, count, cut, latches):
                if len(crossings) == crossings_max:
                    return Evaluation(tuple(crossings), tuple(rearmed), more=True)
                crossings.append(crossing)
    if any(rule.rearm_margin is not None for rule in milestones.rules):
        rearmed.extend(_rearmed(milestones, cut, latches))
    return Evaluation(tuple(crossings), tuple(rearmed))


def watched(rules: Iterable[Rule]) -> frozenset[tuple[str, str]]:
    """The (scope, measure) pairs that any rule looks at."""
    return frozenset((rule.scope, rule.measure) for rule in rules)


def _by_scope_and_measure(rules: Iterable[Rule]) -> dict[tuple[str, str], list[Rule]]:
    found: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules:
        found.setdefault((rule.scope, rule.measure), []).append(rule)
    return found


def _value(milestones: Milestones, rule: Rule, key: Key, count: int) -> int | None:
    if rule.epoch == EVER:
        return count
    base = milestones.bases.get(rule.epoch)
    return None if base is None else count - base.get(key, 0)


def _reached(
    milestones: Milestones,
    rule: Rule,
    key: Key,
    value: int,
    count: int,
    cut: Cut,
    latches: Mapping[LatchKey, Latched],
) -> Iterator[Crossing]:  # seven arguments: they are one rule's view of one count, used here alone
    scope, region, measure = key
    target = milestones.targets.get(key)
    for threshold, percent in thresholds(rule, target, value):
        known = latches.get((scope, region, rule.id, threshold, rule.epoch))
        if known is not None and not known.closed:
            continue
        yield Crossing(
            scope=scope,
            region=region,
            rule=rule.id,
            measure=measure,
            threshold=threshold,
            epoch=rule.epoch,
            number=1 if known is None else known.number + 1,
            value=value,
            count=count,
            cut=cut.id,
            as_of=cut.as_of,
            percent=percent,
            target=target if percent is not None else None,
        )


def _rearmed(milestones: Milestones, cut: Cut, latches: Mapping[LatchKey, Latched]) -> Iterator[Rearmed]:
    rules = {rule.id: rule for rule in milestones.rules if rule.rearm_margin is not None}
    for key, known in latches.items():
        scope, region, rule_id, threshold, epoch = key
        rule = rules.get(rule_id)
        if rule is None or known.closed or rule.rearm_margin is None or rule.epoch != epoch:
            continue
        count = cut.counts.get((scope, region, rule.measure))
        if count is None:
            continue
        value = _value(milestones, rule, (scope, region, rule.measure), count)
        if value is not None and value <= threshold - rule.rearm_margin:
            yield Rearmed(key, known.number, value, cut.id)

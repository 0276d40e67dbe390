"""Finds the thresholds that the counts of a cut have reached and that are not latched yet.

The rules are level-triggered: a value at or above a threshold that has no latch is a crossing, whatever the
previous value was. Replays, restarts and rules that are added later therefore need no special handling; for
cuts that the topic has lost, their highest counts are evaluated. The functions do no I/O and read no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from notifier.domain.rules import EVER, Key, Rule, thresholds

LatchKey = tuple[str, str, str, int, str]
"""(scope, region, rule, threshold, epoch name)"""

REGISTERED: Final = "registered"
STOCK: Final = "stock"

CROSSINGS_MAX: Final = 500
"""One evaluation returns at most this many crossings. The next evaluation returns further crossings."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut with those of its counts that are to be evaluated.

    With a count of registered participants comes that of the stock, if it is not zero.
    """

    id: str
    as_of: datetime
    counts: Mapping[Key, int]
    register_epoch: int = 1
    """The register's epoch whose events the cut counts."""


@dataclass(frozen=True, slots=True)
class LatchState:
    """The newest latch of a threshold. The latches of a threshold have the numbers 1, 2, 3, …"""

    number: int = 1
    retracted: bool = False
    """Whether the crossing was retracted. If so, the next crossing gets a latch with `number` + 1."""
    register_epoch: int = 1
    """The newest epoch of the register in which the value was at or above the threshold."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold that was reached, with its evidence."""

    scope: str
    region: str
    rule: str
    measure: str
    threshold: int
    epoch: str
    number: int
    value: int
    """The value that was compared with the threshold: the count, or the count's growth in the epoch."""
    count: int
    cut: str
    as_of: datetime
    register_epoch: int = 1
    percent: int | None = None
    target: int | None = None

    @property
    def key(self) -> LatchKey:
        """The key of the crossing's latch."""
        return (self.scope, self.region, self.rule, self.threshold, self.epoch)

    @property
    def epoch_label(self) -> str:
        """The epoch's name, followed by the latch's number if the number is above 1: `ever`, `ever.2`."""
        return self.epoch if self.number == 1 else f"{self.epoch}.{self.number}"


@dataclass(frozen=True, slots=True)
class Retraction:
    """A latch whose threshold can be crossed again: the value has fallen below it by the rule's margin."""

    key: LatchKey
    number: int
    value: int
    cut: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result for one cut. If `has_more`, another evaluation of the same cut returns further crossings."""

    crossings: tuple[Crossing, ...] = ()
    retractions: tuple[Retraction, ...] = ()
    confirmed: tuple[LatchKey, ...] = ()
    """The latches whose thresholds are reached in this epoch of the register for the first time."""
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules with their targets and the counts at the opening of each open epoch.

    `targets` is keyed by scope, region and measure; `bases` by the epoch's name. A rule whose epoch is not
    open has no crossings.
    """

    rules: tuple[Rule, ...]
    targets: Mapping[Key, int] = field(default_factory=dict)
    bases: Mapping[str, Mapping[Key, int]] = field(default_factory=dict)


def evaluate(
    rule_set: RuleSet,
    cut: Cut,
    latches: Mapping[LatchKey, LatchState],
    crossings_max: int = CROSSINGS_MAX,
) -> Evaluation:
    """Return the crossings of this cut that have no latch, and the retractions.

    A value that passes several thresholds at once gives one crossing for each of them, lowest threshold
    first. A value that falls below a latched threshold changes nothing unless the rule has a margin.

    A new epoch of the register retracts nothing, although its counts begin at zero or may remain lower: a
    crossing is retracted only if its threshold was reached in the cut's epoch before.
    """
    crossings = tuple(islice(_crossings(rule_set, cut, latches), crossings_max + 1))
    if len(crossings) > crossings_max:
        return Evaluation(crossings[:crossings_max], has_more=True)
    retractions: list[Retraction] = []
    confirmed: list[LatchKey] = []
    for key, latch, value, margin in _rearmable(rule_set, cut, latches):
        if value >= key[3] and latch.register_epoch < cut.register_epoch:
            confirmed.append(key)
        if value <= key[3] - margin and latch.register_epoch == cut.register_epoch:
            retractions.append(Retraction(key, latch.number, value, cut.id))
    return Evaluation(crossings, tuple(retractions), tuple(confirmed))


def watched_measures(rules: Iterable[Rule]) -> frozenset[tuple[str, str]]:
    """Return the (scope, measure) pairs of all rules."""
    return frozenset((rule.scope, rule.measure) for rule in rules)


def _crossings(rule_set: RuleSet, cut: Cut, latches: Mapping[LatchKey, LatchState]) -> Iterator[Crossing]:
    rules = _by_scope_and_measure(rule_set.rules)
    for key in sorted(cut.counts):
        scope, region, measure = key
        for rule in rules.get((scope, measure), ()):
            if rule.covers(region):
                yield from _crossings_of_rule(rule_set, rule, key, cut, latches)


def _by_scope_and_measure(rules: Iterable[Rule]) -> dict[tuple[str, str], list[Rule]]:
    grouped: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules:
        grouped.setdefault((rule.scope, rule.measure), []).append(rule)
    return grouped


def _value(rule_set: RuleSet, rule: Rule, key: Key, cut: Cut) -> int | None:
    """Return the value to compare with the thresholds; None if the rule's epoch is not open.

    In the epoch `ever`, the value is the count. In another epoch, it is the growth since the epoch opened.
    """
    if rule.epoch == EVER:
        return cut.counts[key]
    base = rule_set.bases.get(rule.epoch)
    return None if base is None else _growing(cut.counts, key) - _growing(base, key)


def _growing(counts: Mapping[Key, int], key: Key) -> int:
    """Return the count whose growth is measured: that of live participants instead of the registered ones."""
    scope, region, measure = key
    stock = counts.get((scope, region, STOCK), 0) if measure == REGISTERED else 0
    return counts.get(key, 0) - stock


def _crossings_of_rule(
    rule_set: RuleSet,
    rule: Rule,
    key: Key,
    cut: Cut,
    latches: Mapping[LatchKey, LatchState],
) -> Iterator[Crossing]:
    value = _value(rule_set, rule, key, cut)
    if value is None:
        return
    scope, region, measure = key
    target = rule_set.targets.get(key)
    for threshold, percent in thresholds(rule, target, value):
        latch = latches.get((scope, region, rule.id, threshold, rule.epoch))
        if latch is not None and not latch.retracted:
            continue
        yield Crossing(
            scope=scope,
            region=region,
            rule=rule.id,
            measure=measure,
            threshold=threshold,
            epoch=rule.epoch,
            number=1 if latch is None else latch.number + 1,
            value=value,
            count=cut.counts[key],
            cut=cut.id,
            as_of=cut.as_of,
            register_epoch=cut.register_epoch,
            percent=percent,
            target=target if percent is not None else None,
        )


def _rearmable(
    rule_set: RuleSet, cut: Cut, latches: Mapping[LatchKey, LatchState]
) -> Iterator[tuple[LatchKey, LatchState, int, int]]:
    """Yield the latches that a rule with a margin may retract, each with its value and the margin."""
    rules = {rule.id: rule for rule in rule_set.rules if rule.rearm_margin is not None}
    if not rules:
        return
    for key, latch in latches.items():
        scope, region, rule_id, _, epoch = key
        rule = rules.get(rule_id)
        if rule is None or latch.retracted or rule.rearm_margin is None or rule.epoch != epoch:
            continue
        if (scope, region, rule.measure) not in cut.counts:
            continue
        value = _value(rule_set, rule, (scope, region, rule.measure), cut)
        if value is not None:
            yield key, latch, value, rule.rearm_margin

"""Applies records of region-counts, and evaluates the milestone rules on the newest complete cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from cuts.records import CutRecord
from cuts.state import ApplyResult, CutState
from notifier import metrics
from notifier.domain.alerts import Recipient
from notifier.domain.milestones import (
    Crossing,
    Cut,
    Evaluation,
    LatchKey,
    LatchState,
    Retraction,
    RuleSet,
    evaluate,
    watched_measures,
)
from notifier.domain.rules import Key
from notifier.rules_file.reader import Rules
from telemetry.logs import get

log = get()


class LatchStorePort(Protocol):
    """Stores the latches. A crossing is latched once, even if several notifiers pass it to `record`."""

    async def latches(self) -> dict[LatchKey, LatchState]:
        """Return the newest latch of each threshold."""

    async def bases(self) -> dict[str, dict[Key, int]]:
        """Return the counts at the opening of each open epoch, by the epoch's name."""

    async def open_epoch(self, name: str, cut: str, counts: Mapping[Key, int]) -> None:
        """Store the counts at the opening of an epoch, unless they are already stored."""

    async def record(
        self,
        crossings: Sequence[Crossing],
        retractions: Sequence[Retraction],
        recipients: Sequence[Recipient],
    ) -> list[Crossing]:
        """Latch the crossings, mark the retracted latches, and store the messages and the topic's records.

        All this is one transaction. Return the crossings that this call latched.
        """


class CutEvaluator:
    """Holds the newest cut, the counts that have changed since the last evaluation, and the known latches.

    `apply` receives every record, and `evaluate_once` evaluates the newest complete cut. Several cuts may
    arrive while an evaluation waits for the database. Only the newest of them is evaluated, and no crossing
    is lost, because a rule depends only on the newest value and the latches. If the database fails, the next
    evaluation includes the same changes.
    """

    def __init__(self, rules: Rules, store: LatchStorePort) -> None:
        self.state = CutState()
        self._rules = rules
        self._store = store
        self._watched = watched_measures(rules.rules)
        self._changed: set[Key] = set()
        self._latches: dict[LatchKey, LatchState] | None = None
        self._bases: dict[str, dict[Key, int]] = {}
        self._wake = asyncio.Event()

    def apply(self, record: CutRecord) -> ApplyResult:
        """Apply a record to the newest cut.

        A record that is older than the cut is ignored, as is a change record whose base is another cut.
        """
        applied = self.state.apply(record)
        metrics.CUTS.labels(applied.reason.value).inc()
        if applied.state_changed:
            self._changed.update(key for key in applied.changed if self._is_watched(key))
            self._wake.set()
        return applied

    async def wait_for_change(self, wait_s: float) -> bool:
        """Wait until there is a change to evaluate. Return False if none arrives within `wait_s` seconds."""
        try:
            await asyncio.wait_for(self._wake.wait(), wait_s)
        except TimeoutError:
            return False
        return True

    async def evaluate_once(self) -> list[Crossing]:
        """Evaluate the changed counts of the newest complete cut.

        Return the crossings that this call latched. Raises the errors of the database; the next call then
        evaluates the same changes again.
        """
        self._wake.clear()
        if not self.state.ready or self.state.as_of is None:
            return []
        began_s = time.monotonic()
        if self._latches is None:
            self._latches, self._bases = await self._store.latches(), await self._store.bases()
            self._mark_all_changed()
        await self._open_epochs(self.state.id, self.state.as_of)
        latched = await self._evaluate(self._latches)
        metrics.EVALUATE_S.observe(time.monotonic() - began_s)
        return latched

    def _is_watched(self, key: Key) -> bool:
        scope, _, measure = key
        return (scope, measure) in self._watched

    def _mark_all_changed(self) -> None:
        self._changed.update(key for key in self.state.counts if self._is_watched(key))

    async def _evaluate(self, latches: dict[LatchKey, LatchState]) -> list[Crossing]:
        changed, self._changed = self._changed, set()
        counts = {key: self.state.counts.get(key, 0) for key in changed}
        assert self.state.as_of is not None, "a ready state has its time"
        cut = Cut(self.state.id, self.state.as_of, counts)
        rule_set = RuleSet(self._rules.rules, self._rules.targets, self._bases)
        latched: list[Crossing] = []
        try:
            while True:
                evaluation = evaluate(rule_set, cut, latches)
                latched += await self._record(evaluation, latches)
                if not evaluation.has_more:
                    return latched
        except BaseException:
            self._changed |= changed
            self._wake.set()
            raise

    async def _record(self, evaluation: Evaluation, latches: dict[LatchKey, LatchState]) -> list[Crossing]:
        if not evaluation.crossings and not evaluation.retractions:
            return []
        new = await self._store.record(evaluation.crossings, evaluation.retractions, self._rules.recipients)
        if evaluation.retractions or len(new) < len(evaluation.crossings):
            # The known latches are outdated: this call retracted some, or another notifier latched crossings.
            latches.clear()
            latches.update(await self._store.latches())
        else:
            latches.update({crossing.key: LatchState(crossing.number) for crossing in new})
        for crossing in new:
            metrics.CROSSINGS.labels(crossing.rule).inc()
            log.info(
                "milestone crossed",
                rule=crossing.rule,
                region=crossing.region,
                scope=crossing.scope,
                threshold=crossing.threshold,
                value=crossing.value,
                cut=crossing.cut,
            )
        return new

    async def _open_epochs(self, cut: str, as_of: datetime) -> None:
        counts = dict(self.state.counts)
        due = [
            epoch.name
            for epoch in self._rules.epochs.values()
            if epoch.name not in self._bases and as_of >= epoch.opens
        ]
        for name in due:
            await self._store.open_epoch(name, cut, counts)
            log.info("epoch opened", epoch=name, cut=cut)
        if due:
            self._bases = await self._store.bases()
            self._mark_all_changed()

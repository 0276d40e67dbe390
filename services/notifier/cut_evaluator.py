"""Applies records of region-counts, and evaluates the milestone rules on every complete cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from cuts.records import CutRecord
from cuts.state import ApplyReason, ApplyResult, CutState
from notifier import metrics
from notifier.domain.alerts import Recipient
from notifier.domain.evaluation_progress import Advance, EvaluatedCut, Version
from notifier.domain.latch_audit import EvaluatedCounts
from notifier.domain.milestones import (
    REGISTERED,
    STOCK,
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

STORE_EVERY_S: Final = 1.0
"""The interval at which the evaluated cut is stored while no threshold is crossed.

A restarted notifier evaluates the cuts after the stored one again, with the same result.
"""

log = get()


class LatchStorePort(Protocol):
    """Stores the latches. A crossing is latched once, even if several notifiers pass it to `record`."""

    async def latches(self) -> dict[LatchKey, LatchState]:
        """Return the newest latch of each threshold."""

    async def bases(self) -> dict[str, dict[Key, int]]:
        """Return the counts at the opening of each open epoch, by the epoch's name."""

    async def open_epoch(self, name: str, cut: str, counts: Mapping[Key, int]) -> None:
        """Store the counts at the opening of an epoch, unless they are already stored."""

    async def evaluated_cut(self) -> EvaluatedCut | None:
        """Return the last cut that a notifier has evaluated; None if there is none."""

    async def advance(self, advance: Advance) -> bool:
        """Store the evaluated cut. Return False, without a change, if another notifier has moved it."""

    async def confirm(self, latches: Sequence[LatchKey], register_epoch: int) -> None:
        """Store that the thresholds of these latches are reached in this epoch of the register."""

    async def record(
        self,
        crossings: Sequence[Crossing],
        retractions: Sequence[Retraction],
        recipients: Sequence[Recipient],
        advance: Advance | None = None,
    ) -> list[Crossing] | None:
        """Latch the crossings, mark the retracted latches, and store the messages and the topic's records.

        All this is one transaction with `advance`. Return the crossings that this call latched; None, without
        a change, if another notifier has moved the evaluated cut.
        """


class CutEvaluator:
    """Holds a cut, the counts that have changed since the last evaluation, and the known latches.

    `apply` receives every record, and `evaluate_once` evaluates the held cut. The reader waits with
    `wait_until_evaluated` before it applies the next record. So no published cut is skipped, however long the
    database does not answer. The evaluated cut is stored with the latches. A restarted notifier continues
    there; it applies the cuts before the stored one without an evaluation.

    If the topic no longer has the cuts after the stored one, `start_again` begins at the newest full record.
    The peaks that this record names stand for the missing cuts.
    """

    def __init__(
        self, rules: Rules, store: LatchStorePort, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.state = CutState()
        self._rules = rules
        self._store = store
        self._clock = clock
        self._watched = watched_measures(rules.rules)
        self._changed: set[Key] = set()
        self._latches: dict[LatchKey, LatchState] | None = None
        self._bases: dict[str, dict[Key, int]] = {}
        self._known: EvaluatedCut | None = None
        """The stored evaluated cut, as this process knows it."""
        self._first_due: Version = (0, 0)
        """Older cuts are already evaluated."""
        self._stored_at_s = float("-inf")
        self._full: tuple[Version, int] = ((0, 0), -1)
        """Version and offset of the newest complete full record."""
        self._arriving_full = self._full
        self._highest: dict[Key, int] = {}
        """The highest value of each watched count in the cuts since the start, and of the peaks."""
        self._misses_cuts = False
        """Whether published cuts before the held one were not evaluated."""
        self._wake = asyncio.Event()
        self._wake.set()  # the first evaluation loads the latches
        self._evaluated = asyncio.Event()

    async def last_evaluated(self) -> EvaluatedCut | None:
        """Wait until the latches are loaded, and return the stored evaluated cut; None if there is none."""
        await self._evaluated.wait()
        return self._known

    def start_again(self) -> None:
        """Forget the held cut: the topic does not have the cuts after the evaluated one any more."""
        self.state = CutState()
        self._first_due = (0, 0)
        self._misses_cuts = True

    def apply(self, record: CutRecord, offset: int) -> ApplyResult:
        """Apply the record at this offset to the newest cut.

        A record that is older than the cut is ignored, as is a change record whose base is another cut.
        """
        before = self.state.version
        was_ready = self.state.ready
        applied = self.state.apply(record)
        metrics.CUTS.labels(applied.reason.value).inc()
        if record.kind == "full":
            if record.part == 0:
                self._arriving_full = (record.version, offset)
            if applied.reason in (ApplyReason.REPLACED, ApplyReason.REPEATED):
                self._full = self._arriving_full
                self._misses_cuts |= was_ready and not self._follows(before)
        if applied.state_changed:
            for key in filter(self._is_watched, map(_counted_with, applied.changed)):
                self._changed.add(key)
                self._highest[key] = max(self._highest.get(key, 0), self.state.counts.get(key, 0))
            self._evaluated.clear()
            self._wake.set()
        return applied

    async def wait_until_evaluated(self) -> None:
        """Wait until the held cut is evaluated."""
        await self._evaluated.wait()

    async def wait_for_change(self, wait_s: float) -> bool:
        """Wait until there is a change to evaluate. Return False if none arrives within `wait_s` seconds."""
        try:
            await asyncio.wait_for(self._wake.wait(), wait_s)
        except TimeoutError:
            return False
        return True

    async def evaluate_once(self) -> list[Crossing]:
        """Evaluate the changed counts of the held cut, unless a notifier has already evaluated that cut.

        Return the crossings that this call latched. Raises the errors of the database; the next call then
        evaluates the same changes again.
        """
        self._wake.clear()
        try:
            if self._latches is None:
                await self._load()
            latched = await self._evaluate_held_cut() if self._is_due() else []
        except BaseException:
            self._wake.set()
            raise
        self._evaluated.set()
        return latched

    @property
    def rule_set(self) -> RuleSet:
        """The rules, with the targets and the counts at the opening of each open epoch."""
        return RuleSet(self._rules.rules, self._rules.targets, self._bases)

    def evaluated_counts(self) -> EvaluatedCounts | None:
        """Return the counts of the held cut; None unless this or another notifier has evaluated it."""
        if self.state.as_of is None or not self._evaluated.is_set():
            return None
        counts = {key: count for key, count in self.state.counts.items() if self._is_watched(key)}
        cut = Cut(self.state.id, self.state.as_of, self._with_stock(counts), self.state.epoch)
        highest = dict(self._highest)
        for key, (count, _) in self.state.peaks.items():
            highest[key] = max(highest.get(key, 0), count)
        return EvaluatedCounts(self.state.version, cut, highest)

    def _follows(self, before: Version) -> bool:
        """Return whether no cut was published between the cut `before` and the held cut."""
        return self.state.version == before or self.state.cut == before[1] + 1

    def _is_due(self) -> bool:
        return self.state.ready and self.state.version >= self._first_due

    def _is_watched(self, key: Key) -> bool:
        scope, _, measure = key
        return (scope, measure) in self._watched

    def _mark_all_changed(self) -> None:
        self._changed.update(key for key in self.state.counts if self._is_watched(key))

    async def _load(self) -> None:
        self._latches, self._bases = await self._store.latches(), await self._store.bases()
        self._known = await self._store.evaluated_cut()
        self._first_due = (0, 0) if self._known is None else self._known.version

    async def _evaluate_held_cut(self) -> list[Crossing]:
        began_s = self._clock()
        assert self.state.as_of is not None, "a ready state has its time"
        await self._open_epochs(self.state.id, self.state.as_of)
        latched: list[Crossing] = []
        for cut in [*self._peaks_of_missed_cuts(), self._held_cut(self.state.as_of)]:
            latched += await self._evaluate(cut)
        if self._is_due() and self._clock() - self._stored_at_s >= STORE_EVERY_S:
            await self._store_evaluated()
        self._misses_cuts = False
        self._changed.clear()
        metrics.EVALUATE_S.observe(self._clock() - began_s)
        return latched

    def _held_cut(self, as_of: datetime) -> Cut:
        counts = {key: self.state.counts.get(key, 0) for key in self._changed}
        return Cut(self.state.id, as_of, self._with_stock(counts), self.state.epoch)

    def _with_stock(self, counts: Mapping[Key, int]) -> dict[Key, int]:
        """Return these counts, with the stock of the same scopes and regions in the held cut."""
        keys = ((scope, region, STOCK) for scope, region, measure in counts if measure == REGISTERED)
        stock = {key: self.state.counts[key] for key in keys if key in self.state.counts}
        return {**counts, **stock}

    def _peaks_of_missed_cuts(self) -> Iterator[Cut]:
        """Yield the peaks that counts had after the last evaluated cut and have left since, oldest first."""
        if not self._misses_cuts or self._known is None:
            return
        by_time: dict[datetime, dict[Key, int]] = {}
        for key, (count, left_at) in self.state.peaks.items():
            if self._is_watched(key) and left_at > self._known.as_of:
                by_time.setdefault(left_at, {})[key] = count
        for left_at, counts in sorted(by_time.items()):
            yield Cut(self.state.id, left_at, self._with_stock(counts), self.state.epoch)

    async def _evaluate(self, cut: Cut) -> list[Crossing]:
        assert self._latches is not None, "the latches are loaded before an evaluation"
        latched: list[Crossing] = []
        while self._is_due():
            evaluation = evaluate(self.rule_set, cut, self._latches)
            if evaluation.confirmed:
                await self._store.confirm(evaluation.confirmed, cut.register_epoch)
            new = await self._record(evaluation)
            if new is None:  # another notifier has evaluated this cut
                await self._load()
                continue
            latched += new
            if evaluation.confirmed or evaluation.retractions or len(new) < len(evaluation.crossings):
                self._latches = await self._store.latches()
            else:
                self._latches.update({crossing.key: _latch_state(crossing) for crossing in new})
            if not evaluation.has_more:
                break
        return latched

    async def _record(self, evaluation: Evaluation) -> list[Crossing] | None:
        if not evaluation.crossings and not evaluation.retractions:
            return []
        advance = Advance(self._known, self._position())
        new = await self._store.record(
            evaluation.crossings, evaluation.retractions, self._rules.recipients, advance
        )
        if new is not None:
            self._note_stored(advance)
            _report(new)
        return new

    def _position(self) -> EvaluatedCut:
        assert self.state.as_of is not None, "a ready state has its time"
        return EvaluatedCut(self.state.version, self.state.as_of, *self._full)

    async def _store_evaluated(self) -> None:
        advance = Advance(self._known, self._position())
        if await self._store.advance(advance):
            self._note_stored(advance)
        else:
            await self._load()
            self._stored_at_s = self._clock()

    def _note_stored(self, advance: Advance) -> None:
        self._known = advance.to
        self._first_due = advance.to.version
        self._stored_at_s = self._clock()

    async def _open_epochs(self, cut: str, as_of: datetime) -> None:
        due = [
            epoch.name
            for epoch in self._rules.epochs.values()
            if epoch.name not in self._bases and as_of >= epoch.opens
        ]
        for name in due:
            await self._store.open_epoch(name, cut, dict(self.state.counts))
            log.info("epoch opened", epoch=name, cut=cut)
        if due:
            self._bases = await self._store.bases()
            self._mark_all_changed()


def _counted_with(key: Key) -> Key:
    """Return the key of the registered participants for that of their stock, and any other key unchanged."""
    scope, region, measure = key
    return (scope, region, REGISTERED) if measure == STOCK else key


def _latch_state(crossing: Crossing) -> LatchState:
    return LatchState(crossing.number, register_epoch=crossing.register_epoch)


def _report(crossings: Sequence[Crossing]) -> None:
    """Count and log the crossings."""
    for crossing in crossings:
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

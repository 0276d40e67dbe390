"""Follows the published cuts and evaluates the rules at each complete one."""

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
    Latched,
    LatchKey,
    Milestones,
    Rearmed,
    evaluate,
    watched,
)
from notifier.domain.rules import Key
from notifier.rules_file.reader import Rules
from telemetry.logs import get

log = get()


class LatchStorePort(Protocol):
    """Where crossings are latched, once each, whoever asks and how often."""

    async def latches(self) -> dict[LatchKey, Latched]:
        """All latches."""

    async def bases(self) -> dict[str, dict[Key, int]]:
        """The counts at the opening of each epoch that is open."""

    async def open_epoch(self, name: str, cut: str, counts: Mapping[Key, int]) -> None:
        """Store an epoch's base, unless it has one."""

    async def record(
        self, crossings: Sequence[Crossing], rearmed: Sequence[Rearmed], recipients: Sequence[Recipient]
    ) -> list[Crossing]:
        """Latch, tell and publish, all or nothing; returns the crossings that were new."""


class CutEvaluator:
    """The newest cut, what has moved in it since the last evaluation, and the latches known.

    `take` gets every record; `evaluate_once` works on whole cuts only, and on the newest: cuts that come
    while it waits for the database are skipped, which a level-triggered rule does not mind. What was not
    latched because the database failed stays to be evaluated.
    """

    def __init__(self, rules: Rules, store: LatchStorePort) -> None:
        self.state = CutState()
        self._rules = rules
        self._store = store
        self._watched = watched(rules.rules)
        self._moved: set[Key] = set()
        self._latches: dict[LatchKey, Latched] | None = None
        self._bases: dict[str, dict[Key, int]] = {}
        self._wake = asyncio.Event()

    def take(self, record: CutRecord) -> ApplyResult:
        """Apply a record; older ones and those without their base change nothing."""
        applied = self.state.apply(record)
        metrics.CUTS.labels(applied.reason.value).inc()
        if applied.state_changed:
            self._moved.update(key for key in applied.changed if (key[0], key[2]) in self._watched)
            self._wake.set()
        return applied

    async def waits_for_a_cut(self, wait_s: float) -> bool:
        """Wait for something to evaluate; False where nothing came in this time."""
        try:
            await asyncio.wait_for(self._wake.wait(), wait_s)
        except TimeoutError:
            return False
        return True

    async def evaluate_once(self) -> list[Crossing]:
        """Evaluate what moved in the newest whole cut; the crossings that were latched.

        Raises what the database raises: the same is evaluated again at the next call.
        """
        self._wake.clear()
        if not self.state.ready or self.state.as_of is None:
            return []
        began_s = time.monotonic()
        if self._latches is None:
            self._latches, self._bases = await self._store.latches(), await self._store.bases()
            self._moved.update(key for key in self.state.counts if (key[0], key[2]) in self._watched)
        await self._open_epochs(self.state.id, self.state.as_of)
        latched = await self._evaluate(self._latches)
        metrics.EVALUATE_S.observe(time.monotonic() - began_s)
        return latched

    async def _evaluate(self, latches: dict[LatchKey, Latched]) -> list[Crossing]:
        moved, self._moved = self._moved, set()
        counts = {key: self.state.counts.get(key, 0) for key in moved}
        assert self.state.as_of is not None, "a ready state has its time"
        cut = Cut(self.state.id, self.state.as_of, counts)
        latched: list[Crossing] = []
        try:
            while True:
                milestones = Milestones(self._rules.rules, self._rules.targets, self._bases)
                evaluation = evaluate(milestones, cut, latches)
                latched += await self._record(evaluation, latches)
                if not evaluation.more:
                    return latched
        except BaseException:
            self._moved |= moved
            self._wake.set()
            raise

    async def _record(self, evaluation: Evaluation, latches: dict[LatchKey, Latched]) -> list[Crossing]:
        if not evaluation.crossings and not evaluation.rearmed:
            return []
        new = await self._store.record(evaluation.crossings, evaluation.rearmed, self._rules.recipients)
        if evaluation.rearmed or len(new) < len(evaluation.crossings):
            latches.clear()  # another notifier latched some of them, or some were re-armed
            latches.update(await self._store.latches())
        else:
            latches.update({crossing.key: Latched(crossing.number) for crossing in new})
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
            self._moved.update(key for key in self.state.counts if (key[0], key[2]) in self._watched)

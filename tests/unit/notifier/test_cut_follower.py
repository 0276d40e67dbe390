"""The evaluation loop reports latched crossings, so that their delivery starts without a poll."""

from __future__ import annotations

import asyncio

from cuts.records import CutRecord
from lifecycle.stop_signal import StopSignal
from notifier.cut_evaluator import CutEvaluator
from notifier.cut_follower import evaluate_until_stopped
from notifier.domain.rules import At
from notifier.rules_file.reader import Rules
from telemetry.health import Health
from tests.support.fakes.latch_store import MemoryLatchStore
from tests.support.samples.milestones import AS_OF, official, rule


async def test_a_latched_crossing_is_reported() -> None:
    store, stopping = MemoryLatchStore(), StopSignal()
    evaluator = CutEvaluator(Rules((rule(thresholds=At((10,))),), {}, {}, (official(),), {}), store)
    rows = (("all", "31", "registered", 10),)
    evaluator.apply(
        CutRecord(cut=1, term=1, kind="full", as_of=AS_OF, positions=(10,), rows=rows, part=0, parts=1), 0
    )

    await asyncio.wait_for(evaluate_until_stopped(evaluator, stopping.set, Health(), stopping), 30)

    assert len(store.messages) == 1

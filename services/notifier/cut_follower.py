"""The two loops of the cut evaluator: one reads region-counts, the other evaluates each changed cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cuts.topic_readers import follow_cuts
from kafka.settings import KafkaSettings
from lifecycle.loops import run_forever
from lifecycle.stop_signal import StopSignal
from notifier.cut_evaluator import CutEvaluator
from telemetry.health import Health

WAIT_S: Final = 1.0
EVALUATION_S_MAX: Final = 90.0
"""This must exceed 60 s: for that long the loop retries a failing database before it ends the process."""


async def follow(kafka: KafkaSettings, evaluator: CutEvaluator) -> None:
    """Apply every record of region-counts. Never returns."""
    async for record in follow_cuts(kafka):
        evaluator.apply(record.value)


async def evaluate_until_stopped(
    evaluator: CutEvaluator, on_crossing: Callable[[], None], health: Health, stopping: StopSignal
) -> None:
    """Evaluate the newest cut whenever it has changed, until the stop. Call `on_crossing` after a latch."""
    progress = health.progress("evaluate", EVALUATION_S_MAX)

    async def evaluate_if_changed() -> None:
        if await evaluator.wait_for_change(WAIT_S) and await evaluator.evaluate_once():
            on_crossing()
        progress.beat()

    await run_forever(evaluate_if_changed, stopping, name="evaluate")

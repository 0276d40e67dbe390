"""The two loops of the cut evaluator: one reads region-counts, the other evaluates each changed cut.

The reader waits for the evaluation of each cut. While the database does not answer, the cuts that are not
evaluated yet wait in the topic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final

from cuts.records import UndecodableRecordError, decode_cut
from cuts.topic_readers import ANSWER_S, follow_cuts, newest_full
from kafka.settings import KafkaSettings
from kafka.topic_reader import TopicReader
from lifecycle.loops import run_forever
from lifecycle.stop_signal import StopSignal
from notifier.cut_evaluator import CutEvaluator
from notifier.domain.evaluation_progress import EvaluatedCut
from telemetry.health import Health
from telemetry.logs import get

log = get()

WAIT_S: Final = 1.0
EVALUATION_S_MAX: Final = 90.0
"""This exceeds the time-outs of the statements of one evaluation."""


async def follow(kafka: KafkaSettings, evaluator: CutEvaluator) -> None:
    """Apply every record of region-counts, one after the other is evaluated. Never returns."""
    async for record in follow_cuts(kafka, partial(_after_evaluated, evaluator)):
        evaluator.apply(record.value, record.offset)
        await evaluator.wait_until_evaluated()


async def evaluate_until_stopped(
    evaluator: CutEvaluator, on_crossing: Callable[[], None], health: Health, stopping: StopSignal
) -> None:
    """Evaluate the held cut whenever it has changed, until the stop. Call `on_crossing` after a latch."""
    progress = health.progress("evaluate", EVALUATION_S_MAX)

    async def evaluate_if_changed() -> None:
        progress.beat()  # also before an evaluation that fails: a restart does not help against that
        if await evaluator.wait_for_change(WAIT_S) and await evaluator.evaluate_once():
            on_crossing()

    await run_forever(evaluate_if_changed, stopping, name="evaluate", failing_s_max=math.inf)


async def _after_evaluated(evaluator: CutEvaluator, topic: TopicReader, first: int, end: int) -> int:
    """Return the offset of the full record that precedes the last evaluated cut.

    If the topic no longer has it, the evaluator starts again at the newest full record.
    """
    evaluated = await evaluator.last_evaluated()
    if evaluated is not None and first <= evaluated.full_offset < end:
        topic.seek(evaluated.full_offset)
        if await _next_is_full_of(topic, evaluated):
            return evaluated.full_offset
    log.info("evaluation starts at newest full record", was_evaluated=evaluated is not None)
    evaluator.start_again()
    return await newest_full(topic, first, end)


async def _next_is_full_of(topic: TopicReader, evaluated: EvaluatedCut) -> bool:
    """Return whether the topic's next record begins the full record of the evaluated cut."""
    for record in (await topic.poll(ANSWER_S)).get(0, ()):
        try:
            cut = decode_cut(record.value)
        except UndecodableRecordError:
            return False
        return (cut.kind, cut.part, cut.version) == ("full", 0, evaluated.full_version)
    return False

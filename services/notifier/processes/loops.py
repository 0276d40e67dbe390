"""The notifier's loops, side by side in one process: follow, evaluate, deliver, publish."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import procrastinate

from cuts.reader import follow_cuts
from cuts.topic_log import KafkaAccess
from lifecycle.loops import run_forever
from lifecycle.shutdown import StopSignal
from notifier.cut_evaluator import CutEvaluator
from notifier.delivery.queue import run_worker
from outbox.postgres_leases import Lease
from outbox.publisher import Publisher
from telemetry.health import Health

IDLE_S: Final = 1.0
PUBLISH_PAUSE_S: Final = 0.2
EVALUATE_S_MAX: Final = 90.0
"""Longer than a failing database is waited for: then the process ends by itself."""


async def follow(kafka: KafkaAccess, watch: CutEvaluator, stopping: StopSignal) -> None:
    """Give every record of region-counts to the watch, until the stop."""

    async def reading() -> None:
        async for followed in follow_cuts(kafka):
            watch.take(followed.value)

    await until_stopped(reading(), stopping)


async def evaluate_cuts(watch: CutEvaluator, health: Health, stopping: StopSignal) -> None:
    """Evaluate whenever a cut has moved, until the stop."""
    progress = health.progress("evaluate", EVALUATE_S_MAX)

    async def once() -> None:
        if await watch.waits_for_a_cut(IDLE_S):
            await watch.evaluate_once()
        progress.beat()

    await run_forever(once, stopping, name="evaluate")


async def deliver(
    queue: procrastinate.App, deliveries_at_once: int, stalled_s: float, stopping: StopSignal
) -> None:
    """Work on the delivery queue, until the stop; open deliveries get some seconds to end."""

    async def once() -> None:
        await until_stopped(run_worker(queue, deliveries_at_once, stalled_s), stopping)

    await run_forever(once, stopping, name="deliver", pause_s=0.5)


async def publish(publisher: Publisher, lease: Lease, stopping: StopSignal) -> None:
    """Publish the crossings while we lead, until the stop."""
    try:
        await asyncio.gather(
            run_forever(lease.renew, stopping, name="milestones-lease", pause_s=1.0),
            run_forever(publisher.publish_once, stopping, name="milestones", pause_s=PUBLISH_PAUSE_S),
        )
    finally:
        await publisher.close()
        await lease.release()


async def until_stopped(work: Coroutine[Any, Any, None], stopping: StopSignal) -> None:
    """Run `work` until it ends or the stop comes, which cancels it. Raises what it raises."""
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error


async def together(stopping: StopSignal, *parts: Coroutine[Any, Any, None]) -> None:
    """Run all until the stop. Where one ends earlier or fails, the others stop too; its failure is raised."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result

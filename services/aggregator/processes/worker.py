"""The life of a worker process: started from settings, watched, and ended when it fails or is asked to."""

from __future__ import annotations

import asyncio
import gc
from typing import Final

from aggregator.consumer.faust_worker import Worker, build_app
from aggregator.consumer.stall_detector import KafkaTopicEnds, StallCheck, StallDetector
from aggregator.decoding.decoder import decode_events, install_decoder
from aggregator.event_log import TOPIC
from aggregator.settings import AggregatorSettings
from aggregator.tallies.postgres_tally_store import PostgresTallyStore
from database.pool import connect
from lifecycle.http_server import serve
from lifecycle.shutdown import StopSignal
from lifecycle.task_group import run_group_with_server
from settings.kafka import KafkaSettings
from telemetry.health import Health
from telemetry.health_endpoints import plain_app
from telemetry.logs import get

log = get()

LOOK_EVERY_S: Final = 1.0
STOP_S_MAX: Final = 10.0


async def run_worker(settings: AggregatorSettings, kafka: KafkaSettings, stopping: StopSignal) -> None:
    """Run one worker until the stop. Raises what made it fail: its supervisor starts another.

    Raises CompiledMissing where the settings ask for what is not built.
    """
    decode = install_decoder(settings.compiled)
    _collect_garbage_less_often()
    pool = await connect(settings.database, application_name="aggregator worker")
    tallies = PostgresTallyStore(pool)
    topic = kafka.topic(TOPIC)
    app = build_app(kafka, kafka.topic(settings.group))
    worker = Worker(app, topic, tallies, decode, settings.failing_s_max)
    health = Health()
    progress = health.progress("counting", settings.stalled_s_max)
    health.check("partitions", lambda: bool(worker.assigned()))
    ends = KafkaTopicEnds(kafka.client_options(), topic)
    watch = StallCheck(worker, ends, tallies, StallDetector(settings.stalled_s_max), progress)
    try:
        await worker.start()
        log.info(
            "worker started",
            group=kafka.topic(settings.group),
            topic=topic,
            compiled=decode is not decode_events,
        )
        await run_group_with_server(
            worker.failed(),
            _watch(watch, stopping),
            server=serve(plain_app(health), settings.host, settings.worker_port, stopping),
        )
    finally:
        # Faust may hang, and swallow its cancellation: the process ends all the same.
        await asyncio.wait({asyncio.ensure_future(worker.stop())}, timeout=STOP_S_MAX)
        await ends.close()
        pool.terminate()
        log.info("worker ended")


def _collect_garbage_less_often() -> None:
    """A batch makes tens of thousands of objects that no cycle holds: looking at them is for nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


async def _watch(watch: StallCheck, stopping: StopSignal) -> None:
    while not await stopping.wait(LOOK_EVERY_S):
        await watch.check_once()

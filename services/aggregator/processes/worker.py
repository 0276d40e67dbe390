"""The composition root of the worker process."""

from __future__ import annotations

import asyncio
import math
from functools import partial
from typing import Any, Final

import asyncpg

from aggregator.consumer.faust_app import build_app
from aggregator.consumer.faust_worker import FaustWorker
from aggregator.consumer.garbage_collection import collect_garbage_less_often
from aggregator.consumer.kafka_end_offsets import KafkaEndOffsets
from aggregator.consumer.stall_watchdog import StallWatchdog
from aggregator.decoding.batch_decoder import Decode
from aggregator.decoding.decoder_selection import install_decoder
from aggregator.settings import EVENT_TOPIC, AggregatorSettings
from aggregator.tallies.postgres_tally_store import PostgresTallyStore
from database.pool import ask_server, connect
from kafka.reachability import ask_broker
from kafka.settings import KafkaSettings
from lifecycle.clock_skew import ClockSkew
from lifecycle.http_server import serve
from lifecycle.run_until_stop import run_with
from lifecycle.stop_signal import StopSignal
from lifecycle.task_group import run_group
from telemetry.health import Health
from telemetry.health_endpoints import plain_app
from telemetry.logs import get

log = get()

STOP_S_MAX: Final = 10.0
DEGRADED_READY_S_MAX: Final = 5.0
"""A worker with partitions that cannot reach PostgreSQL or Kafka for this long is not ready."""


async def run_worker(settings: AggregatorSettings, kafka: KafkaSettings, stopping: StopSignal) -> None:
    """Run one worker until `stopping` is set.

    Any failure is raised, so that the supervisor starts another worker.
    Raises CompiledDecoderMissingError if the settings require a decoder that cannot be used.
    """
    decode = install_decoder(settings.compiled)
    collect_garbage_less_often()
    health = Health(waits_for=("postgresql",))
    health.dependency("kafka", partial(ask_broker, kafka))
    await run_group(
        stopping,
        health.watch_dependencies(),
        server=serve(plain_app(health), settings.host, settings.worker_port, stopping),
        drain=run_with(
            connect(
                settings.database, service="aggregator", application_name="aggregator worker", wait_s=math.inf
            ),
            partial(_count, settings, kafka, decode, health, stopping),
            stopping,
        ),
    )


async def _count(
    settings: AggregatorSettings,
    kafka: KafkaSettings,
    decode: Decode,
    health: Health,
    stopping: StopSignal,
    pool: asyncpg.Pool[Any],
) -> None:
    tallies = PostgresTallyStore(pool)
    topic, group = kafka.topic(EVENT_TOPIC), kafka.topic(settings.group)
    app = build_app(kafka, group, settings.session_timeout_s)
    worker = FaustWorker(app, topic, tallies, decode, settings.failing_s_max)
    progress = health.progress("counting", settings.stalled_s_max)
    health.check("consumer group", lambda: worker.joined)
    health.check("counting", lambda: not worker.assigned() or health.degraded_s() < DEGRADED_READY_S_MAX)
    health.dependency("postgresql", partial(ask_server, pool))
    end_offsets = KafkaEndOffsets(kafka.client_options(), topic)
    watchdog = StallWatchdog(worker, end_offsets, tallies, progress, settings.stalled_s_max)
    try:
        await worker.start()
        log.info("worker started", group=group, topic=topic)
        await run_group(
            stopping,
            worker.wait_for_failure(),
            watchdog.run(stopping),
            ClockSkew(pool, health).run(stopping),
        )
    finally:
        # Faust may hang and ignore cancellation, so wait for it at most STOP_S_MAX seconds; then the process
        # ends all the same.
        await asyncio.wait({asyncio.ensure_future(worker.stop())}, timeout=STOP_S_MAX)
        await end_offsets.close()
        pool.terminate()
        log.info("worker ended")

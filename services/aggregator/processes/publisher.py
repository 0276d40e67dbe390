"""The composition root of the publisher process."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final

import asyncpg

from aggregator.processes.rebuild import rebuild_for_epoch
from aggregator.publishing.cut_publisher import CutPublisher
from aggregator.publishing.ignored_records import IgnoredRecords
from aggregator.publishing.minute_keeper import MinuteKeeper
from aggregator.publishing.minute_publisher import MinutePublisher
from aggregator.publishing.publisher_cycle import PublishCycle
from aggregator.rebuild.register_epoch_trigger import RegisterEpochTrigger
from aggregator.settings import EVENT_TOPIC, AggregatorSettings
from database.pool import ask_server, connect
from kafka.leader_producer import LeaderProducer
from kafka.reachability import ask_broker
from kafka.settings import KafkaSettings
from lifecycle.clock_skew import ClockSkew
from lifecycle.http_server import serve
from lifecycle.loops import run_forever
from lifecycle.run_until_stop import run_with
from lifecycle.stop_signal import StopSignal
from lifecycle.task_group import run_group
from outbox.leader import Leader
from outbox.postgres_leases import Lease, new_holder
from telemetry.health import Health
from telemetry.health_endpoints import plain_app

LEASE: Final = "publisher"
EPOCH_RETRY_S: Final = 1.0
STEP_S_MAX: Final = 30.0


async def run_publisher(settings: AggregatorSettings, kafka: KafkaSettings, stopping: StopSignal) -> None:
    """Run one publisher until `stopping` is set. Any number of publishers may run; one of them leads."""
    health = Health(waits_for=("postgresql",))
    health.dependency("kafka", partial(ask_broker, kafka))
    await run_group(
        stopping,
        health.watch_dependencies(),
        server=serve(plain_app(health), settings.host, settings.publisher_port, stopping),
        drain=run_with(
            connect(
                settings.database,
                service="aggregator",
                application_name="aggregator publisher",
                max_size=6,
                wait_s=math.inf,
            ),
            partial(_publish, settings, kafka, health, stopping),
            stopping,
        ),
    )


async def _publish(
    settings: AggregatorSettings,
    kafka: KafkaSettings,
    health: Health,
    stopping: StopSignal,
    pool: asyncpg.Pool[Any],
) -> None:
    health.dependency("postgresql", partial(ask_server, pool))
    lease = Lease(pool, LEASE, new_holder())
    producer = LeaderProducer(kafka, lease)
    minutes = MinuteKeeper(pool, lease)
    ignored = IgnoredRecords(kafka, EVENT_TOPIC)
    cuts = CutPublisher(pool, lease, producer, ignored, minutes)
    cycle = PublishCycle(pool, cuts, MinutePublisher(pool, producer), settings.unreadable_kept)
    leader = Leader(lease, cycle, producer, progress=health.progress("publishing", STEP_S_MAX))
    health.check("publishing", lambda: leader.is_ready(health.degraded_s()))
    epochs = RegisterEpochTrigger(
        pool, lease, kafka, partial(rebuild_for_epoch, pool, kafka), minutes.register_state
    )
    try:
        await run_group(
            stopping,
            leader.run(stopping),
            run_forever(ignored.follow_once, stopping, name="ignored records", failing_s_max=math.inf),
            ClockSkew(pool, health).run(stopping),
            run_forever(
                epochs.follow_once,
                stopping,
                name="epochs",
                pause_s=EPOCH_RETRY_S,
                failing_s_max=math.inf,
            ),
        )
    finally:
        pool.terminate()

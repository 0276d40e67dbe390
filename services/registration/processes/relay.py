"""The relay process: publishes the register's events in sequence order, and rewinds stalled partitions.

Failpoints: `relay.before_produce`, `relay.after_produce`, `relay.after_ack`, `relay.after_advance` (in
`outbox.publisher`), `relay.before_rewind`, `relay.after_rewind` (in `registration.relay.partition_rewinder`).
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final

import asyncpg

from database.pool import ask_server, connect
from kafka.leader_producer import LeaderProducer
from kafka.reachability import ask_broker
from kafka.settings import KafkaSettings
from kafka.topic_reader import newest_records
from lifecycle.clock_skew import ClockSkew
from lifecycle.http_server import serve
from lifecycle.run_until_stop import run_with
from lifecycle.stop_signal import StopSignal, run
from lifecycle.task_group import run_group
from outbox.leader import Leader
from outbox.postgres_leases import Lease, new_holder
from outbox.publisher import Publisher, PublishLimits, TopicChannel
from registration.domain.participant_partition import PARTITIONS
from registration.relay.metrics import REFUSED
from registration.relay.outbox_source import HEADERS, LEASE, TOPIC, RegisterEventSource
from registration.relay.partition_rewinder import StallRewinder
from registration.relay.publish_guard import TopicGuard
from registration.relay.settings import RelaySettings
from registration.relay.topic_divergence import records_back
from registration.relay.topic_inspection import TopicInspector
from registration.settings import RegisterSettings
from settings.loader import load
from telemetry.failpoints import arm
from telemetry.health import Health
from telemetry.health_endpoints import plain_app
from telemetry.logs import configure

STEP_S_MAX: Final = 60.0


def main() -> None:
    """Load the settings and run the relay until SIGTERM or SIGINT."""
    register, settings, kafka = load(RegisterSettings, RelaySettings, KafkaSettings)
    configure("registration-relay", register.log_level)
    arm(register.crash_at)
    run(lambda stopping: run_relay(register, settings, kafka, stopping))


async def run_relay(
    register: RegisterSettings, settings: RelaySettings, kafka: KafkaSettings, stopping: StopSignal
) -> None:
    """Run until the stop. Stand by while another process holds the lease.

    During an outage of PostgreSQL or Kafka of any length, publishing is retried.
    """
    health = Health(waits_for=("postgresql",))
    health.dependency("kafka", partial(ask_broker, kafka))
    await run_group(
        stopping,
        health.watch_dependencies(),
        server=serve(plain_app(health), register.host, settings.port, stopping),
        drain=run_with(
            connect(
                register.database,
                service="registration",
                application_name="registration relay",
                wait_s=math.inf,
            ),
            partial(_relay, settings, kafka, health, stopping),
            stopping,
        ),
    )


async def _relay(
    settings: RelaySettings,
    kafka: KafkaSettings,
    health: Health,
    stopping: StopSignal,
    pool: asyncpg.Pool[Any],
) -> None:
    lease = Lease(pool, LEASE, new_holder())
    source = RegisterEventSource(pool)
    producer = LeaderProducer(kafka, lease, batch_bytes_max=settings.batch_bytes_max)
    back = records_back(settings.records_max)
    newest = partial(newest_records, kafka, TOPIC, back, range(PARTITIONS))
    publisher = Publisher(
        source,
        TopicChannel(producer, TOPIC, HEADERS),
        guard=TopicGuard(pool, source, newest).check,
        limits=PublishLimits(records_max=settings.records_max, idle_s=settings.idle_ms / 1000),
    )
    health.dependency("postgresql", partial(ask_server, pool))
    leader = Leader(lease, publisher, producer, progress=health.progress("relay", STEP_S_MAX))
    health.check("register matches topic", lambda: publisher.refused is None)
    health.check("publishing", lambda: leader.is_ready(health.degraded_s()))
    REFUSED.set_function(lambda: publisher.refused is not None)
    try:
        await run_group(
            stopping,
            leader.run(stopping),
            ClockSkew(pool, health).run(stopping),
            StallRewinder(source, lease, TopicInspector(kafka, back)).follow(kafka),
        )
    finally:
        await pool.close()

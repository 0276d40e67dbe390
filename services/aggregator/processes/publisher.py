"""The composition root of the publisher process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Final

from aggregator.processes.rebuild import rebuild_for_epoch
from aggregator.publishing.cut_publisher import CutPublisher
from aggregator.publishing.last_published_cut import NEWEST_RECORDS
from aggregator.publishing.minute_publisher import MinutePublisher
from aggregator.publishing.publisher_cycle import PublishCycle
from aggregator.publishing.quarantine_state_outbox import QUARANTINE_TOPIC, QuarantineOutbox
from aggregator.rebuild.register_epoch_trigger import RegisterEpochTrigger
from aggregator.settings import AggregatorSettings
from database.pool import connect
from kafka.leader_producer import LeaderProducer
from kafka.settings import KafkaSettings
from kafka.topic_reader import newest_records
from lifecycle.http_server import serve
from lifecycle.loops import run_forever
from lifecycle.stop_signal import StopSignal
from lifecycle.task_group import run_group
from outbox.outbox_table import TableSource
from outbox.postgres_leases import RENEW_EVERY_S, Lease, new_holder
from outbox.publisher import Publisher as OutboxPublisher
from outbox.publisher import TopicChannel
from telemetry.health import Health
from telemetry.health_endpoints import plain_app

LEASE: Final = "publisher"
QUARANTINE_LEASE: Final = "quarantine"
QUARANTINE_EVERY_S: Final = 1.0
EPOCH_RETRY_S: Final = 1.0


async def run_publisher(settings: AggregatorSettings, kafka: KafkaSettings, stopping: StopSignal) -> None:
    """Run one publisher until `stopping` is set. Any number of publishers may run; one of them leads."""
    pool = await connect(settings.database, application_name="aggregator publisher", max_size=6)
    holder = new_holder()
    lease, quarantine_lease = Lease(pool, LEASE, holder), Lease(pool, QUARANTINE_LEASE, holder)
    producer = LeaderProducer(kafka.client_options(), lease)
    cuts = CutPublisher(
        pool,
        lease,
        producer,
        kafka.topic("region-counts"),
        partial(newest_records, kafka, "region-counts", NEWEST_RECORDS),
    )
    minutes = MinutePublisher(pool, lease, producer, kafka.topic("region-minutes"))
    outbox_publisher = OutboxPublisher(
        TableSource(pool, QUARANTINE_TOPIC, QUARANTINE_LEASE),
        quarantine_lease,
        TopicChannel(kafka.topic(QUARANTINE_TOPIC), kafka.client_options()),
    )
    quarantine = QuarantineOutbox(pool, quarantine_lease, outbox_publisher)
    epochs = RegisterEpochTrigger(pool, lease, kafka, partial(rebuild_for_epoch, pool, kafka))
    health = Health()
    cycle = PublishCycle(pool, cuts, minutes, health.progress("publishing", seconds_max=30), stopping)

    def loop(once: Callable[[], Awaitable[object]], name: str, pause_s: float) -> Coroutine[Any, Any, None]:
        return run_forever(once, stopping, name=name, pause_s=pause_s, failing_s_max=settings.failing_s_max)

    try:
        await run_group(
            stopping,
            loop(lambda: _renew(lease, quarantine_lease), "lease", RENEW_EVERY_S),
            loop(cycle.publish_once, "cuts", 0.0),
            loop(quarantine.publish_once, "quarantine", QUARANTINE_EVERY_S),
            loop(epochs.follow_once, "epochs", EPOCH_RETRY_S),
            server=serve(plain_app(health), settings.host, settings.publisher_port, stopping),
        )
    finally:
        await producer.abandon()
        await outbox_publisher.close()
        releases = [asyncio.ensure_future(held.release()) for held in (lease, quarantine_lease)]
        await asyncio.wait(releases, timeout=2)
        pool.terminate()


async def _renew(*leases: Lease) -> None:
    for lease in leases:
        await lease.renew()

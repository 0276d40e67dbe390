"""The composition root of the publisher process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from aggregator.processes.rebuild import rebuild_for_epoch
from aggregator.publishing.cut_publisher import CutPublisher
from aggregator.publishing.last_published_cut import last_cut
from aggregator.publishing.minute_publisher import MinutePublisher
from aggregator.publishing.publisher_cycle import PublishCycle
from aggregator.rebuild.register_epoch_trigger import RegisterEpochTrigger
from aggregator.settings import AggregatorSettings
from database.pool import connect
from lifecycle.http_server import serve
from lifecycle.loops import run_forever
from lifecycle.stop_signal import StopSignal
from lifecycle.task_group import run_group_with_server
from outbox.leader_producer import LeaderProducer
from outbox.postgres_leases import RENEW_EVERY_S, Lease, new_holder
from settings.kafka import KafkaSettings
from telemetry.health import Health
from telemetry.health_endpoints import plain_app

LEASE: Final = "publisher"
EPOCH_RETRY_S: Final = 1.0


async def run_publisher(settings: AggregatorSettings, kafka: KafkaSettings, stopping: StopSignal) -> None:
    """Run one publisher until `stopping` is set. Any number of publishers may run; one of them leads."""
    pool = await connect(settings.database, application_name="aggregator publisher", max_size=6)
    lease = Lease(pool, LEASE, new_holder())
    producer = LeaderProducer(kafka.client_options(), lease)
    cuts = CutPublisher(pool, lease, producer, kafka.topic("region-counts"), lambda: last_cut(kafka))
    minutes = MinutePublisher(pool, lease, producer, kafka.topic("region-minutes"))
    epochs = RegisterEpochTrigger(pool, lease, kafka, partial(rebuild_for_epoch, pool, kafka))
    health = Health()
    cycle = PublishCycle(pool, cuts, minutes, health.progress("publishing", seconds_max=30), stopping)

    def loop(once: Callable[[], Awaitable[object]], name: str, pause_s: float) -> Awaitable[None]:
        return run_forever(once, stopping, name=name, pause_s=pause_s, failing_s_max=settings.failing_s_max)

    try:
        await run_group_with_server(
            loop(lease.renew, "lease", RENEW_EVERY_S),
            loop(cycle.publish_once, "cuts", 0.0),
            loop(epochs.follow_once, "epochs", EPOCH_RETRY_S),
            server=serve(plain_app(health), settings.host, settings.publisher_port, stopping),
        )
    finally:
        await producer.abandon()
        await asyncio.wait([asyncio.ensure_future(lease.release())], timeout=2)
        pool.terminate()

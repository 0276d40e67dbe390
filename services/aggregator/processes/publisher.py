"""The composition root of the publisher process."""

from __future__ import annotations

from functools import partial
from typing import Final

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
from lifecycle.stop_signal import StopSignal
from lifecycle.task_group import run_group
from outbox.leader import Leader
from outbox.postgres_leases import Lease, new_holder
from telemetry.health import Health
from telemetry.health_endpoints import plain_app

LEASE: Final = "publisher"
EPOCH_RETRY_S: Final = 1.0


async def run_publisher(settings: AggregatorSettings, kafka: KafkaSettings, stopping: StopSignal) -> None:
    """Run one publisher until `stopping` is set. Any number of publishers may run; one of them leads."""
    pool = await connect(settings.database, application_name="aggregator publisher", max_size=6)
    health = Health()
    health.dependency("kafka", partial(ask_broker, kafka))
    health.dependency("postgresql", partial(ask_server, pool))
    lease = Lease(pool, LEASE, new_holder())
    producer = LeaderProducer(kafka, lease)
    minutes = MinuteKeeper(pool, lease)
    ignored = IgnoredRecords(kafka, EVENT_TOPIC)
    cuts = CutPublisher(pool, lease, producer, ignored, minutes)
    cycle = PublishCycle(pool, cuts, MinutePublisher(pool, producer), settings.unreadable_kept)
    leader = Leader(
        lease,
        cycle,
        producer,
        progress=health.progress("publishing", seconds_max=30),
        failing_s_max=settings.failing_s_max,
    )
    epochs = RegisterEpochTrigger(
        pool, lease, kafka, partial(rebuild_for_epoch, pool, kafka), minutes.register_state
    )
    try:
        await run_group(
            stopping,
            leader.run(stopping),
            health.watch_dependencies(),
            run_forever(ignored.follow_once, stopping, name="ignored records", failing_s_max=float("inf")),
            ClockSkew(pool, health).run(stopping),
            run_forever(
                epochs.follow_once,
                stopping,
                name="epochs",
                pause_s=EPOCH_RETRY_S,
                failing_s_max=settings.failing_s_max,
            ),
            server=serve(plain_app(health), settings.host, settings.publisher_port, stopping),
        )
    finally:
        pool.terminate()

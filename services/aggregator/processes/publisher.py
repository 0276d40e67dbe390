"""The life of a publisher process: it takes its leases, publishes what is due, and cleans up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from aggregator.publishing.cut_publisher import CutPublisher
from aggregator.publishing.epoch_follower import rebuild_on_higher_epoch
from aggregator.publishing.last_published_cut import last_cut
from aggregator.publishing.minute_publisher import MinutePublisher
from aggregator.publishing.quarantine_outbox import QUARANTINE_TOPIC, append_states
from aggregator.settings import AggregatorSettings
from aggregator.tallies.postgres_tally_store import QUERIES
from database.pool import connect
from lifecycle.http_server import serve
from lifecycle.loops import run_forever
from lifecycle.shutdown import StopSignal
from lifecycle.task_group import run_group_with_server
from outbox.leader_producer import LeaderProducer
from outbox.postgres_leases import RENEW_EVERY_S, Lease, new_holder
from outbox.publisher import Publisher as OutboxPublisher
from outbox.publisher import TopicChannel
from outbox.table_source import TableSource
from settings.kafka import KafkaSettings
from telemetry.health import Health, Progress
from telemetry.health_endpoints import plain_app

if TYPE_CHECKING:
    import asyncpg

LEASE: Final = "publisher"
QUARANTINE_LEASE: Final = "quarantine"
CUT_EVERY_S: Final = 0.1
ROWS_AT_ONCE: Final = 1_000
REST_S_PER_ROW: Final = 0.0002
REST_S_MAX: Final = 0.8
MINUTES_EVERY_S: Final = 1.0
CLEAN_EVERY_S: Final = 5.0


async def run_publisher(settings: AggregatorSettings, kafka: KafkaSettings, stopping: StopSignal) -> None:
    """Run one publisher until the stop; any number may run, one of them leads."""
    pool = await connect(settings.database, application_name="aggregator publisher", max_size=6)
    holder = new_holder()
    lease = Lease(pool, LEASE, holder)
    quarantine_lease = Lease(pool, QUARANTINE_LEASE, holder)
    wire = LeaderProducer(kafka.client_options(), lease)
    cuts = CutPublisher(pool, lease, wire, kafka.topic("region-counts"), lambda: last_cut(kafka))
    minutes = MinutePublisher(pool, lease, wire, kafka.topic("region-minutes"))
    quarantine = OutboxPublisher(
        TableSource(pool, QUARANTINE_TOPIC, QUARANTINE_LEASE),
        quarantine_lease,
        TopicChannel(kafka.topic(QUARANTINE_TOPIC), kafka.client_options()),
    )
    health = Health()
    progress = health.progress("publishing", seconds_max=30)

    async def lead() -> None:
        await lease.renew()
        await quarantine_lease.renew()

    async def tell_quarantine() -> None:
        if quarantine_lease.term is not None:
            await append_states(pool)
            await quarantine.publish_once()

    async def follow_epochs() -> None:
        await rebuild_on_higher_epoch(pool, lease, kafka)

    def loop(once: Callable[[], Awaitable[object]], name: str, pause_s: float) -> Awaitable[None]:
        return run_forever(once, stopping, name=name, pause_s=pause_s, failing_s_max=settings.failing_s_max)

    try:
        await run_group_with_server(
            loop(lead, "lease", RENEW_EVERY_S),
            loop(_Round(pool, cuts, minutes, progress, stopping).publish_once, "cuts", 0.0),
            loop(tell_quarantine, "quarantine", MINUTES_EVERY_S),
            loop(follow_epochs, "epochs", 1.0),
            server=serve(plain_app(health), settings.host, settings.publisher_port, stopping),
        )
    finally:
        await wire.abandon()
        await quarantine.close()
        await asyncio.wait(
            [asyncio.ensure_future(one.release()) for one in (lease, quarantine_lease)], timeout=2
        )
        pool.terminate()


class _Round:
    """Cuts, minutes and cleaning take turns: they share one producer, whose failure ends all of them."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        cuts: CutPublisher,
        minutes: MinutePublisher,
        progress: Progress,
        stopping: StopSignal,
    ) -> None:
        self._pool = pool
        self._cuts = cuts
        self._minutes = minutes
        self._progress = progress
        self._stopping = stopping
        self._minutes_at = self._clean_at = 0.0

    async def publish_once(self) -> None:
        """Publish what is due, then wait for the next."""
        started_at = time.monotonic()
        await self._cuts.publish_once()
        if started_at - self._minutes_at >= MINUTES_EVERY_S:
            await self._minutes.publish_once()
            self._minutes_at = started_at
        if started_at - self._clean_at >= CLEAN_EVERY_S:
            await self._clean()
            self._clean_at = started_at
        self._progress.beat()
        took_s = time.monotonic() - started_at
        await self._stopping.wait(pause_s(took_s, self._cuts.rows_changed))

    async def _clean(self) -> None:
        if self._cuts.positions is not None:
            await QUERIES.forget_changed(self._pool, positions=list(self._cuts.positions))
            await self._minutes.forget(datetime.now(UTC))
            await QUERIES.forget_sets(self._pool)


def pause_s(took_s: float, rows_changed: int) -> float:
    """How long to wait after a cut that took so long and changed so many rows.

    Ten cuts a second; but where thousands of rows change, every reader has to read them all, cut by cut,
    and an import changes the same ones over and over: then fewer cuts say as much. People at every booth of
    the province change fewer than ROWS_AT_ONCE, and wait for no rest.
    """
    rest_s = REST_S_PER_ROW * max(0, rows_changed - ROWS_AT_ONCE)
    return max(CUT_EVERY_S - took_s, min(rest_s, REST_S_MAX), 0.0)

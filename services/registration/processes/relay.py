"""The relay's life: events go to the topic in sequence order, and where counting stands still they go again.

Crash points: `relay.before_produce`, `relay.after_produce`, `relay.after_ack`, `relay.after_advance` (in
`outbox.publisher`), `relay.before_rewind`, `relay.after_rewind`.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, Final

import asyncpg

from cuts.reader import follow_cuts
from database.pool import connect
from lifecycle.http_server import serve
from lifecycle.loops import run_forever
from lifecycle.shutdown import StopSignal
from lifecycle.task_group import run_group
from outbox.postgres_leases import RENEW_EVERY_S, Lease, new_holder
from outbox.publisher import Publisher, PublishLimits, PublishOutcome, TopicChannel
from registration.domain.partitioning import PARTITIONS
from registration.relay.event_source import HEADERS, LEASE, RECOVERY_UNFINISHED, TOPIC, RegisterEventSource
from registration.relay.metrics import REFUSED, REWINDS
from registration.relay.rewind import StallTracker
from registration.relay.settings import RelaySettings
from registration.relay.topic_check import compare, read_tail
from registration.settings import RegisterSettings
from settings.kafka import KafkaSettings
from telemetry.failpoints import failpoint
from telemetry.health import Health
from telemetry.health_endpoints import plain_app
from telemetry.logs import get

log = get()

STEP_S_MAX: Final = 60.0
REFUSED_PAUSE_S: Final = 1.0
STANDBY_PAUSE_S: Final = 0.2
LOOK_EVERY_S: Final = 1.0


async def relay(
    settings: RegisterSettings, own: RelaySettings, kafka: KafkaSettings, stopping: StopSignal
) -> None:
    """Run the relay until the stop; a second one stands by. Outlives a broker that is away for however
    long.
    """
    pool = await connect(settings.database, application_name="registration relay")
    lease = Lease(pool, LEASE, new_holder())
    running = Relay(pool, kafka, lease, own)
    health = Health()
    running.watch(health)
    try:
        await run_group(
            run_forever(lease.renew, stopping, name="relay lease", pause_s=RENEW_EVERY_S),
            run_forever(
                lambda: running.step(stopping),
                stopping,
                name="relay",
                pause_s=own.idle_ms / 1000,
                failing_s_max=float("inf"),
            ),
            running.rewind_where_counting_stands_still(),
            serve(plain_app(health), settings.host, own.port, stopping),
        )
    finally:
        await running.close()
        with contextlib.suppress(Exception):  # the database may be gone: then the lease runs out by itself
            await lease.release()
        await pool.close()


class Relay:
    """One relay process: publishes while it leads, and watches the counted positions."""

    def __init__(
        self, pool: asyncpg.Pool[Any], kafka: KafkaSettings, lease: Lease, own: RelaySettings
    ) -> None:
        self._pool = pool
        self._kafka = kafka
        self._lease = lease
        self._source = RegisterEventSource(pool)
        self._publisher = Publisher(
            self._source,
            lease,
            TopicChannel(kafka.topic(TOPIC), kafka.client_options(), HEADERS),
            guard=self._guard,
            limits=PublishLimits(records_max=own.records_max, batch_bytes_max=own.batch_bytes_max),
        )
        self._rewinding = StallTracker.start(time.monotonic())
        self._term: int | None = None
        self._looked_s = float("-inf")
        self._failing = False

    def watch(self, health: Health) -> None:
        """Say what makes this process alive and ready."""
        self._progress = health.progress("relay", STEP_S_MAX)
        health.check("register matches topic", lambda: self._publisher.refused is None)
        health.check("publishing", lambda: not self._failing)

    async def step(self, stopping: StopSignal) -> None:
        """Publish what waits, or stand by. Raises what stopped it, to be called again."""
        self._progress.beat()
        self._failing = True
        outcome = await self._publisher.publish_once()
        REFUSED.set(self._publisher.refused is not None)
        self._failing = False
        if outcome is PublishOutcome.REFUSED:
            await stopping.wait(REFUSED_PAUSE_S)
        elif outcome is PublishOutcome.STANDING_BY:
            await stopping.wait(STANDBY_PAUSE_S)

    async def close(self) -> None:
        """Send nothing more."""
        await self._publisher.close()

    async def _guard(self, term: int) -> str | None:
        """Whether the topic's ends are this register's; written down for the audit. Asked before each
        start.
        """
        reason = await self._source.refusal()
        if reason != RECOVERY_UNFINISHED:
            reason = await compare(self._pool, await read_tail(self._kafka, TOPIC, PARTITIONS))
        if reason is not None and self._publisher.refused is None:
            log.error("relay refuses", reason=reason)
        await self._source.store_refusal(reason, term)
        return reason

    async def rewind_where_counting_stands_still(self) -> None:
        """Follow the published cuts for good; see `registration.relay.rewind`."""
        newest = (0, 0)
        async for followed in follow_cuts(self._kafka):
            cut = followed.value
            if followed.is_new and cut.version >= newest:
                newest = cut.version
                await self._look(cut.positions)

    async def _look(self, positions: tuple[int, ...]) -> None:
        now, term = time.monotonic(), self._lease.term
        if term is None or now - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now
        if term != self._term:
            self._term, self._rewinding = term, StallTracker.start(now)
        try:
            published = await self._source.published_positions()
            self._rewinding, back = self._rewinding.observe(positions, published, now)
            for partition, position in back:
                await self._rewind(partition, position, term)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            # The next cut looks again; what keeps failing shows in the lease's loop.
            log.warning("relay stall check failed", error=type(error).__name__)

    async def _rewind(self, partition: int, position: int, term: int) -> None:
        failpoint("relay.before_rewind")
        if await self._source.rewind(partition, position, term):
            REWINDS.labels(partition).inc()
            log.warning("relay rewound", partition=partition, position=position)
        failpoint("relay.after_rewind")

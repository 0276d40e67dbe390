"""The audit process: compares published cuts with the register, and publishes the register's state.

Failpoints: `audit.before_snapshot`, `audit.after_snapshot` (in `registration.audit.auditor`),
`audit.before_send`, `audit.after_send` (in `registration.audit.register_state_publisher`).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import asyncpg

from database.pool import ask_server, connect
from kafka.leader_producer import LeaderProducer
from kafka.reachability import ask_broker
from kafka.settings import KafkaSettings
from lifecycle.clock_skew import ClockSkew
from lifecycle.http_server import serve
from lifecycle.loops import run_forever
from lifecycle.run_until_stop import run_with
from lifecycle.stop_signal import StopSignal, run
from lifecycle.task_group import run_group
from outbox.leader import Leader
from outbox.postgres_leases import Lease, new_holder
from registration.audit.auditor import Auditor
from registration.audit.day_start import DayStartCounter
from registration.audit.growth_auditor import GrowthAuditor
from registration.audit.published_cut import CutFollower
from registration.audit.published_minutes import MinuteFollower
from registration.audit.register_state_publisher import StatePublisher
from registration.audit.settings import AuditSettings
from registration.settings import RegisterSettings
from settings.loader import load
from telemetry.failpoints import arm
from telemetry.health import Health
from telemetry.health_endpoints import plain_app
from telemetry.logs import configure

LEASE: Final = "audit"
STATEMENT_TIMEOUT_S: Final = 120.0
"""Long, because an audit counts every participant in one statement."""
CHECK_EVERY_S: Final = 1.0
PUBLISH_S_MAX: Final = 60.0
AUDIT_S_MAX: Final = 1_200.0
"""After this time without a finished audit and pause, the process counts as unhealthy.

An audit may take `STATEMENT_TIMEOUT_S`. The pause after it is by default ten times the audit's duration.
"""


def main() -> None:
    """Load the settings and run the audit until SIGTERM or SIGINT."""
    register, settings, kafka = load(RegisterSettings, AuditSettings, KafkaSettings)
    configure("registration-audit", register.log_level)
    arm(register.crash_at)
    run(lambda stopping: run_audit(register, settings, kafka, stopping))


async def run_audit(
    register: RegisterSettings, settings: AuditSettings, kafka: KafkaSettings, stopping: StopSignal
) -> None:
    """Run until the stop. Stand by while another process holds the lease."""
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
                application_name="registration audit",
                statement_timeout_s=STATEMENT_TIMEOUT_S,
                wait_s=math.inf,
            ),
            partial(_audit_and_publish, settings, kafka, health, stopping),
            stopping,
        ),
    )


async def _audit_and_publish(
    settings: AuditSettings,
    kafka: KafkaSettings,
    health: Health,
    stopping: StopSignal,
    pool: asyncpg.Pool[Any],
) -> None:
    lease = Lease(pool, LEASE, new_holder())
    cuts = CutFollower()
    auditor = Auditor(pool, lease, cuts, every_s=settings.every_s, pause_factor=settings.pause_factor)
    days = DayStartCounter(pool, lease)
    minutes = MinuteFollower()
    growth = GrowthAuditor(pool, lease, cuts, minutes)
    producer = LeaderProducer(kafka, lease)
    health.dependency("postgresql", partial(ask_server, pool))
    leader = Leader(
        lease,
        StatePublisher(pool, cuts, (auditor, growth), days, producer),
        producer,
        progress=health.progress("publishing", PUBLISH_S_MAX),
    )
    health.check("publishing", lambda: leader.is_ready(health.degraded_s()))
    try:
        await run_group(
            stopping,
            leader.run(stopping),
            ClockSkew(pool, health).run(stopping),
            cuts.follow(kafka),
            minutes.follow(kafka),
            _audit(auditor, health, stopping),
            _repeat(days.count_once, "day", stopping),
            _repeat(growth.audit_once, "growth", stopping),
        )
    finally:
        await pool.close()


async def _repeat(step: Callable[[], Awaitable[object]], name: str, stopping: StopSignal) -> None:
    await run_forever(step, stopping, name=name, pause_s=CHECK_EVERY_S, failing_s_max=math.inf)


async def _audit(auditor: Auditor, health: Health, stopping: StopSignal) -> None:
    progress = health.progress("auditing", AUDIT_S_MAX)

    async def audit_and_pause() -> None:
        progress.beat()
        await auditor.audit_once()
        await auditor.pause(stopping)

    await run_forever(audit_and_pause, stopping, name="auditing", failing_s_max=math.inf)

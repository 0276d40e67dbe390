"""The audit's life: every few seconds the published cut is proved against the register, each second it is
told.

Crash points: `audit.before_snapshot`, `audit.after_snapshot` (in `registration.audit.auditor`),
`audit.before_send`, `audit.after_send` (in `registration.audit.state_publisher`).
"""

from __future__ import annotations

import contextlib
from typing import Final

from database.pool import connect
from lifecycle.http_server import serve
from lifecycle.loops import run_forever
from lifecycle.shutdown import StopSignal
from lifecycle.task_group import run_group
from outbox.postgres_leases import RENEW_EVERY_S, Lease, new_holder
from registration.audit.auditor import Auditor
from registration.audit.published_cut import CutFollower
from registration.audit.settings import AuditSettings
from registration.audit.state_publisher import StatePublisher
from registration.settings import RegisterSettings
from settings.kafka import KafkaSettings
from telemetry.health import Health
from telemetry.health_endpoints import plain_app

LEASE: Final = "audit"
STATEMENT_TIMEOUT_S: Final = 120.0
"""An audit counts every participant in one statement."""
TELL_S_MAX: Final = 60.0
AUDIT_S_MAX: Final = 1_200.0
"""An audit may take its statement's time-out, and the pause after it is ten times as long."""


async def audit(
    settings: RegisterSettings, own: AuditSettings, kafka: KafkaSettings, stopping: StopSignal
) -> None:
    """Run the audit until the stop; a second one stands by."""
    pool = await connect(
        settings.database, application_name="registration audit", statement_timeout_s=STATEMENT_TIMEOUT_S
    )
    lease = Lease(pool, LEASE, new_holder())
    cuts = CutFollower()
    auditor = Auditor(pool, lease, cuts, every_s=own.every_s, pause_factor=own.pause_factor)
    teller = StatePublisher(pool, lease, kafka, cuts, auditor)
    health = Health()
    telling = health.progress("telling", TELL_S_MAX)
    auditing = health.progress("auditing", AUDIT_S_MAX)
    health.check("register state is told", lambda: not teller.failing)

    async def tell() -> None:
        telling.beat()
        await teller.publish_once()
        await stopping.wait(teller.pause_s())

    async def audit_next() -> None:
        auditing.beat()
        await auditor.audit_once()
        await auditor.pause(stopping)

    try:
        await run_group(
            run_forever(lease.renew, stopping, name="audit lease", pause_s=RENEW_EVERY_S),
            cuts.follow(kafka),
            run_forever(tell, stopping, name="audit telling", failing_s_max=float("inf")),
            run_forever(audit_next, stopping, name="audit", failing_s_max=float("inf")),
            serve(plain_app(health), settings.host, own.port, stopping),
        )
    finally:
        await teller.close()
        with contextlib.suppress(Exception):  # the database may be gone: then the lease runs out by itself
            await lease.release()
        await pool.close()

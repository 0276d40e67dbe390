"""Proves published cuts against the register, one after the other, and keeps what the last one came to.

Crash points: `audit.before_snapshot`, `audit.after_snapshot`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

import asyncpg

from lifecycle.shutdown import StopSignal
from outbox.postgres_leases import Lease
from registration.audit.expected_tallies import ForeignCutError, expected_at
from registration.audit.published_cut import CutFollower, PublishedCut
from registration.audit.register_state import AuditResult
from registration.audit.tallies import compare
from registration.domain.event import utc_text
from registration.relay.metrics import AUDIT_SECONDS, AUDITED_AT, AUDITS, DRIFT
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()

STANDBY_PAUSE_S: Final = 0.5


class AuditOutcome(Enum):
    """What an audit came to."""

    STANDING_BY = "standing_by"  # another audits
    NO_CUT = "no_cut"  # none has been published yet
    REFUSED = "refused"  # the topic, or the cut, is not this register's
    UNEXPLAINED = "unexplained"  # the cut passed over more events than it names
    EXACT = "exact"
    DRIFT = "drift"


class Auditor:
    """Audits while it leads. `last` is what is told to readers; None while nothing is known for sure."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        lease: Lease,
        cuts: CutFollower,
        *,
        every_s: float = 5.0,
        pause_factor: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._cuts = cuts
        self._every_s = every_s
        self._pause_factor = pause_factor
        self._clock = clock
        self._pause_s = STANDBY_PAUSE_S
        self.last: AuditResult | None = None
        self.refused: str | None = None
        """Why the counts cannot be this register's, where that shows in the cut itself."""
        self.register_refused = False
        """Whether the relay refuses: the topic is not this register's, so nothing counted from it can be
        proved.
        """

    async def audit_once(self) -> AuditOutcome:
        """Audit the newest cut. Raises what the database raises; what is known of earlier audits stays."""
        outcome = await self._outcome()
        if outcome in (AuditOutcome.STANDING_BY, AuditOutcome.REFUSED):
            # Another's to tell, or nothing to be sure of: an older answer must not pass for one of now.
            self.last = None
            DRIFT.set(0)
            AUDITED_AT.set(0)
        AUDITS.labels(outcome.value).inc()
        return outcome

    async def pause(self, stopping: StopSignal) -> None:
        """Wait until the next audit is due, or a cut changes under its own number."""
        self._cuts.altered.clear()
        waits = [asyncio.ensure_future(self._cuts.altered.wait()), asyncio.ensure_future(stopping.wait())]
        try:
            await asyncio.wait(waits, timeout=self._pause_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await wait

    async def _outcome(self) -> AuditOutcome:
        self._pause_s = STANDBY_PAUSE_S
        if self._lease.term is None:
            return AuditOutcome.STANDING_BY
        if self.register_refused:
            return AuditOutcome.REFUSED
        cut = self._cuts.newest()
        if cut is None:
            return AuditOutcome.NO_CUT
        if cut.passed_over_total > len(cut.passed_over):
            log.warning("audit cannot explain", quarantined=cut.passed_over_total, named=len(cut.passed_over))
            return AuditOutcome.UNEXPLAINED
        return await self._audit(cut)

    async def _audit(self, cut: PublishedCut) -> AuditOutcome:
        started_s = self._clock()
        failpoint("audit.before_snapshot")
        try:
            expected = await expected_at(self._pool, cut)
        except ForeignCutError as foreign:
            if self.refused is None:
                log.warning("audit refuses", reason=str(foreign))
            self.refused = str(foreign)
            return AuditOutcome.REFUSED
        failpoint("audit.after_snapshot")
        self.refused = None
        findings = compare(expected, cut.counts)
        duration_s = self._clock() - started_s
        self._pause_s = max(self._every_s, self._pause_factor * duration_s)
        now = datetime.now(UTC)
        self.last = AuditResult(
            cut.id, findings.drift, utc_text(now), round(duration_s * 1000), findings.differences
        )
        AUDIT_SECONDS.observe(duration_s)
        AUDITED_AT.set(now.timestamp())
        DRIFT.set(findings.drift)
        if findings.drift:
            log.error(
                "audit found drift", cut=cut.id, drift=findings.drift, differences=len(findings.differences)
            )
        return AuditOutcome.DRIFT if findings.drift else AuditOutcome.EXACT

"""Compares the newest published cut with the register, repeatedly, and keeps the result of the last audit.

Failpoints: `audit.before_snapshot`, `audit.after_snapshot`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from enum import Enum
from math import nan
from typing import Any, Final

import asyncpg
import msgspec

from lifecycle.stop_signal import StopSignal
from outbox.postgres_leases import Lease
from registration.audit.expected_tallies import ForeignCutError, expected_at
from registration.audit.metrics import AUDIT_SECONDS, AUDITED_AT, AUDITS, DRIFT
from registration.audit.published_cut import CutFollower, PublishedCut
from registration.audit.register_state_record import AuditResult, AuditState
from registration.audit.tallies import compare
from registration.domain.cloud_event import utc_text
from registration.store.register_rows import QUERIES
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()

STANDBY_PAUSE_S: Final = 0.5


class AuditOutcome(Enum):
    """The outcome of an attempt to audit a cut."""

    STANDING_BY = "standing_by"  # another process holds the lease
    NO_CUT = "no_cut"  # no cut has been published yet
    REFUSED = "refused"  # the cut, or the topic that it was counted from, belongs to another register
    UNEXPLAINED = "unexplained"  # the cut does not name all its quarantined events, so it cannot be compared
    EXACT = "exact"
    DRIFT = "drift"
    FAILED = "failed"  # the database did not answer, or the cut could not be compared


class Auditor:
    """Audits cuts while this process holds the lease."""

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
        self._outcome = AuditOutcome.STANDING_BY
        self._result: AuditResult | None = None
        """The result that readers get; None while this process cannot vouch for any result."""
        self._finished_s = 0.0
        """The time at which `_result` was found, by `clock`."""
        self.refusal: str | None = None
        """Why the newest cut cannot belong to this register; None if it can."""
        self.relay_refuses = False
        """Whether the relay refuses to publish, because the topic has events of another register.

        While it does, no cut is audited, because the cuts are counted from this topic.
        """

    async def audit_once(self) -> AuditOutcome:
        """Audit the newest cut. An attempt without a result leaves the last result, whose age grows."""
        outcome = AuditOutcome.FAILED
        try:
            outcome = await self._audit_newest()
        finally:
            self._outcome = outcome
            AUDITS.labels(outcome.value).inc()
        if outcome in (AuditOutcome.STANDING_BY, AuditOutcome.REFUSED):
            # Another process publishes results now, or this register cannot be compared with the cut. Readers
            # must not take the earlier result for a current result.
            self._result = None
            DRIFT.set(nan)
            AUDITED_AT.set(0)
        return outcome

    def state(self) -> AuditState:
        """Return the outcome of the newest attempt, and the last result with its age."""
        age_s = round(self._clock() - self._finished_s, 1)
        result = msgspec.structs.replace(self._result, age_s=age_s) if self._result else None
        return AuditState(self._outcome.value, result)

    async def pause(self, stopping: StopSignal) -> None:
        """Wait until the next audit is due, or until a cut is published again with different counts."""
        self._cuts.content_changed.clear()
        waits = [
            asyncio.ensure_future(self._cuts.content_changed.wait()),
            asyncio.ensure_future(stopping.wait()),
        ]
        try:
            await asyncio.wait(waits, timeout=self._pause_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await wait

    async def _audit_newest(self) -> AuditOutcome:
        self._pause_s = STANDBY_PAUSE_S
        if self._lease.term is None:
            return AuditOutcome.STANDING_BY
        if self.relay_refuses:
            return AuditOutcome.REFUSED
        cut = self._cuts.newest()
        if cut is None:
            return AuditOutcome.NO_CUT
        if cut.quarantined_unnamed:
            log.warning("audit inconclusive", quarantined_unnamed=cut.quarantined_unnamed)
            return AuditOutcome.UNEXPLAINED
        return await self._audit(cut)

    async def _audit(self, cut: PublishedCut) -> AuditOutcome:
        started_s = self._clock()
        failpoint("audit.before_snapshot")
        try:
            expected = await expected_at(self._pool, cut)
        except ForeignCutError as foreign:
            if self.refusal is None:
                log.warning("audit refuses", reason=str(foreign))
            self.refusal = str(foreign)
            return AuditOutcome.REFUSED
        failpoint("audit.after_snapshot")
        self.refusal = None
        findings = compare(expected, cut.counts)
        duration_s = self._clock() - started_s
        self._pause_s = max(self._every_s, self._pause_factor * duration_s)
        now = await QUERIES.audit_time(self._pool)
        self._finished_s = started_s + duration_s
        self._result = AuditResult(
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

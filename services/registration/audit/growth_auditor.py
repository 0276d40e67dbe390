"""Compares published minutes with the register: growth is the register's counts at two vectors of positions.

A minute is compared while its cuts are of the newest cut's epoch and generation. Then its quarantined events
are those that the newest cut names, up to the minute's positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import nan
from typing import Any, Final

import asyncpg

from outbox.postgres_leases import Lease
from registration.audit.expected_tallies import ForeignCutError, expected_at
from registration.audit.metrics import GROWTH_DRIFT, MINUTES_AUDITED
from registration.audit.published_cut import CutFollower, PublishedCut
from registration.audit.published_minutes import KeptCut, MinuteFollower, MinuteGroup, PublishedMinute
from registration.audit.register_state_record import GrowthAudit
from registration.audit.tallies import live_counts
from registration.domain.cloud_event import utc_text
from registration.store.register_rows import QUERIES
from telemetry.logs import get

log = get()

MINUTES_PER_AUDIT: Final = 3
"""A register of 281,812 participants is counted in some 0.3 s, and most minutes need one such count."""
COUNTS_KEPT_MAX: Final = 4
WAITS_MAX: Final = 20
"""Cuts and minutes are separate topics, so a minute can arrive before its cut. Later than this, it cannot."""

Growth = Mapping[tuple[str, str], int]
"""The growth by scope and region; regions without growth are missing."""


@dataclass(frozen=True, slots=True)
class _Counted:
    at: KeptCut
    counts: Growth


class GrowthAuditor:
    """Audits the minutes that a follower has read, while this process holds the lease.

    `last_result` is None before the first audited minute.
    """

    def __init__(
        self, pool: asyncpg.Pool[Any], lease: Lease, cuts: CutFollower, minutes: MinuteFollower
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._cuts = cuts
        self._minutes = minutes
        self._counted: list[_Counted] = []
        self._newest: datetime | None = None
        self._waits = 0
        """How often the audit has waited for a cut that contains the next minute."""
        self._drifts: dict[tuple[datetime, str], int] = {}
        """The drift of each minute and scope that has one, until it is published again without drift."""
        self.last_result: GrowthAudit | None = None

    async def audit_once(self) -> int:
        """Audit waiting minutes, the newest first; return how many were compared with the register.

        A minute that is ahead of the newest cut waits for the next call, at most WAITS_MAX times.
        """
        if self._lease.term is None:
            self.last_result = None
            GROWTH_DRIFT.set(nan)
            return 0
        compared = 0
        for _ in range(MINUTES_PER_AUDIT):
            cut = self._cuts.newest()
            if not self._minutes.groups or cut is None:
                break
            group = self._minutes.groups[-1]
            if _is_ahead(group.records[-1], cut) and self._waits < WAITS_MAX:
                self._waits += 1
                break
            self._waits = 0
            compared += await self._audit(group, cut)
            self._minutes.groups.remove(group)
        return compared

    async def _audit(self, group: MinuteGroup, cut: PublishedCut) -> bool:
        last = group.records[-1]
        for record in group.records:
            if _is_ahead(record, cut):
                self._set_drift((record.minute, record.scope), _size(record))
                continue
            expected = await self._expected(record, cut)
            if expected is None:
                MINUTES_AUDITED.labels("unchecked").inc()
                continue
            scopes = {record.scope}
            if record is last and group.is_whole:
                scopes |= {scope for scope, _ in expected} - {other.scope for other in group.records}
            for scope in scopes:
                self._compare(record, scope, expected)
        is_compared = any(counted.at == last.upto for counted in self._counted)
        if not is_compared and not self._drifts:
            return False
        now = await QUERIES.audit_time(self._pool)
        drift = sum(self._drifts.values())
        GROWTH_DRIFT.set(drift)
        MINUTES_AUDITED.labels("drift" if drift else "exact").inc()
        self._newest = max(self._newest or last.minute, last.minute)
        self.last_result = GrowthAudit(utc_text(self._newest), drift, utc_text(now))
        return True

    def _compare(self, record: PublishedMinute, scope: str, expected: Growth) -> None:
        found = dict(record.rows) if scope == record.scope else {}
        wanted = {region: growth for (of_scope, region), growth in expected.items() if of_scope == scope}
        drift = sum(
            abs(found.get(region, 0) - wanted.get(region, 0)) for region in found.keys() | wanted.keys()
        )
        self._set_drift((record.minute, scope), drift)

    def _set_drift(self, key: tuple[datetime, str], drift: int) -> None:
        if drift:
            log.error("audit found drift of growth", minute=utc_text(key[0]), scope=key[1], drift=drift)
            self._drifts[key] = drift
        else:
            self._drifts.pop(key, None)

    async def _expected(self, record: PublishedMinute, cut: PublishedCut) -> Growth | None:
        """Compute the growth in a minute; None if it cannot be compared."""
        if record.since is None or record.upto is None:
            return None
        since = await self._count(record.since, cut)
        upto = await self._count(record.upto, cut)
        if since is None or upto is None:
            return None
        changes = {cell: upto.get(cell, 0) - since.get(cell, 0) for cell in since.keys() | upto.keys()}
        return {cell: change for cell, change in changes.items() if change}

    async def _count(self, at: KeptCut, cut: PublishedCut) -> Growth | None:
        """Count the register at a kept cut, or take the counts of an earlier minute; None if impossible."""
        for counted in self._counted:
            if counted.at == at:
                return counted.counts
        if (at.epoch, at.generation) != (cut.epoch, cut.generation) or _exceeds(at, cut):
            return None
        quarantined = tuple(
            (partition, first, min(last, at.positions[partition]))
            for partition, first, last in cut.quarantined
            if first <= at.positions[partition]
        )
        kept = PublishedCut(at.cut, at.epoch, at.generation, at.positions, quarantined, 0, {})
        try:
            tallies = await expected_at(self._pool, kept)
        except ForeignCutError:
            return None
        counts = live_counts(tallies)
        self._counted = [*self._counted, _Counted(at, counts)][-COUNTS_KEPT_MAX:]
        return counts


def _exceeds(at: KeptCut, cut: PublishedCut) -> bool:
    return any(kept > reached for kept, reached in zip(at.positions, cut.positions, strict=True))


def _is_ahead(record: PublishedMinute, cut: PublishedCut) -> bool:
    """Return whether the newest cut has not reached the minute's last cut."""
    if record.upto is None:
        return False
    current = (cut.epoch, cut.generation)
    of_minute = (record.upto.epoch, record.upto.generation)
    return of_minute > current or (of_minute == current and _exceeds(record.upto, cut))


def _size(record: PublishedMinute) -> int:
    """Return the drift of a minute that names a cut which was never published: all its growth, at least 1."""
    return max(1, sum(abs(growth) for _, growth in record.rows))

"""Keeps the newest cut at the end of each minute in PostgreSQL, with the growth since the former kept cut.

PostgreSQL's clock decides when a minute has ended. If the publisher dies before it stores the kept cut, its
successor keeps a later cut, and the next minute then has the growth since the former kept cut.

Failpoint: `publisher.before_keep`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from aggregator.domain.cut_record import Cut
from aggregator.domain.minute_record import Growth, KeptCut, write_minutes
from aggregator.publishing.queries import QUERIES
from cuts.freshness import Freshness
from cuts.records import RegisterState
from cuts.topic_readers import FollowedRecord
from kafka.leader_producer import SupersededError
from outbox.postgres_leases import Lease
from telemetry.failpoints import failpoint

if TYPE_CHECKING:
    import asyncpg

    from aggregator.tallies.postgres_tally_store import Connection

BEHIND_S: Final = 5.0
"""A cut is behind if it lacks events that the register had accepted this many seconds before."""


@dataclass(frozen=True, slots=True)
class EndedMinute:
    """A minute that has ended and is not kept yet: the former kept cut, and what has grown since."""

    since: KeptCut
    ends_at: datetime
    counts: list[tuple[str, str, int]]
    """(scope, region, number of live participants) of all numbers that changed"""
    growth: list[Growth]


class MinuteKeeper:
    """Keeps the cuts of a leader."""

    def __init__(
        self, pool: asyncpg.Pool[Any], lease: Lease, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._clock = clock
        self._freshness = Freshness()

    def register_state(self, followed: FollowedRecord[RegisterState]) -> None:
        """Take a register state, which shows whether cuts are behind."""
        self._freshness.register_state(followed.value, self._clock(), is_new=followed.is_new)

    async def read_ended(self, snapshot: Connection, set_id: int) -> EndedMinute | None:
        """Read the newest minute that has ended, in the snapshot of a cut; None if it is kept already."""
        row = await QUERIES.ended_minute(snapshot)
        if row is None:
            return None
        fields = dict(row)
        ends_at = fields.pop("new_ends_at")
        since = KeptCut(**{**fields, "positions": tuple(fields["positions"])})
        changed = [tuple(row) async for row in QUERIES.changed_since_kept(snapshot, set_id=set_id)]
        return EndedMinute(
            since,
            ends_at,
            [(scope, region, count) for scope, region, count, _ in changed],
            [(scope, region, count - former) for scope, region, count, former in changed],
        )

    async def keep(self, cut: Cut, ended: EndedMinute) -> None:
        """Store the cut as the end of the minute. Raises SupersededError if another process has done so."""
        head = cut.head
        self._freshness.cut(head.positions, cut.quarantined_total, self._clock(), is_new=True)
        behind = self._freshness.behind_s(self._clock()) > BEHIND_S
        cut_id = f"{cut.term}.{cut.number}"
        kept = KeptCut(ended.ends_at, cut_id, cut.as_of, head.generation, head.epoch, head.positions, behind)
        minutes = write_minutes(cut.term, ended.since, kept, ended.growth)
        failpoint("publisher.before_keep")
        stored = await QUERIES.keep_minute(
            self._pool,
            lease=self._lease.name,
            term=cut.term,
            since=ended.since.ends_at,
            ends_at=kept.ends_at,
            cut=kept.cut,
            as_of=kept.as_of,
            generation=kept.generation,
            epoch=kept.epoch,
            positions=list(kept.positions),
            behind=kept.behind,
            minute_scopes=list(minutes),
            minute_values=[value.decode() for value in minutes.values()],
            scopes=[scope for scope, _, _ in ended.counts],
            regions=[region for _, region, _ in ended.counts],
            counts=[count for _, _, count in ended.counts],
        )
        if not stored:
            raise SupersededError(f"term {cut.term} no longer leads")

"""The step of the leading publisher: cuts, then minutes and clean-up when they are due."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from aggregator.publishing.cut_interval import pause_s
from aggregator.publishing.cut_publisher import CutPublisher
from aggregator.publishing.minute_publisher import MinutePublisher
from aggregator.publishing.queries import QUERIES

if TYPE_CHECKING:
    import asyncpg

MINUTES_EVERY_S: Final = 1.0
CLEANUP_EVERY_S: Final = 5.0


class PublishCycle:
    """Runs cuts, minutes and clean-up in turn. Implements `outbox.leader.LeaderStep`."""

    def __init__(
        self, pool: asyncpg.Pool[Any], cuts: CutPublisher, minutes: MinutePublisher, unreadable_kept: int
    ) -> None:
        self._pool = pool
        self._unreadable_kept = unreadable_kept
        self._cuts = cuts
        self._minutes = minutes
        self._minutes_at = self._cleanup_at = 0.0

    async def take_over(self, _term: int) -> int:
        """See `LeaderStep`."""
        await self._minutes.take_over()
        return await self._cuts.take_over()

    def step_down(self) -> None:
        """See `LeaderStep`: there is nothing to report."""

    async def lead_once(self, term: int) -> float:
        """Publish the cuts and minutes that are due, and clean up if due; return the pause until the next."""
        started_at = time.monotonic()
        await self._cuts.publish_once(term)
        if started_at - self._minutes_at >= MINUTES_EVERY_S:
            await self._minutes.publish_once(term)
            self._minutes_at = started_at
        if started_at - self._cleanup_at >= CLEANUP_EVERY_S:
            await self._clean_up(term)
            self._cleanup_at = started_at
        return pause_s(time.monotonic() - started_at, self._cuts.rows_changed)

    async def _clean_up(self, term: int) -> None:
        if self._cuts.positions is not None:
            await QUERIES.delete_published_changes(self._pool, positions=list(self._cuts.positions))
            await self._minutes.delete_expired(term)
            await QUERIES.delete_unused_sets(self._pool)
            await QUERIES.delete_unreadable(self._pool, kept=self._unreadable_kept)

"""Runs the publisher's cycle: cuts, then minutes and clean-up when they are due, then a pause."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from aggregator.publishing.cut_interval import pause_s
from aggregator.publishing.cut_publisher import CutPublisher
from aggregator.publishing.minute_publisher import MinutePublisher
from aggregator.publishing.queries import QUERIES
from lifecycle.stop_signal import StopSignal
from telemetry.health import Progress

if TYPE_CHECKING:
    import asyncpg

MINUTES_EVERY_S: Final = 1.0
CLEANUP_EVERY_S: Final = 5.0


class PublishCycle:
    """Runs cuts, minutes and clean-up in turn. They share a producer, which a failure resets."""

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
        self._minutes_at = self._cleanup_at = 0.0

    async def publish_once(self) -> None:
        """Publish the cuts and minutes that are due, clean up if due, and wait until the next cut is due."""
        started_at = time.monotonic()
        await self._cuts.publish_once()
        if started_at - self._minutes_at >= MINUTES_EVERY_S:
            await self._minutes.publish_once()
            self._minutes_at = started_at
        if started_at - self._cleanup_at >= CLEANUP_EVERY_S:
            await self._clean_up()
            self._cleanup_at = started_at
        self._progress.beat()
        took_s = time.monotonic() - started_at
        await self._stopping.wait(pause_s(took_s, self._cuts.rows_changed))

    async def _clean_up(self) -> None:
        if self._cuts.positions is not None:
            await QUERIES.delete_published_changes(self._pool, positions=list(self._cuts.positions))
            await self._minutes.delete_expired(datetime.now(UTC))
            await QUERIES.delete_unused_sets(self._pool)

"""Publishes cuts: the leader reads one snapshot, takes a number and sends one record, at most ten a second.

Crash points: `publisher.before_reserve`, `publisher.before_produce`, `publisher.after_produce`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregator.domain.cut import Cut, CutHead, Due, Row, due, fits_change, write_change, write_full
from aggregator.metrics import CUT_SECONDS, CUTS, GAPS, OUTSTANDING
from aggregator.publishing.snapshot import Snapshot, published_state, snapshot
from aggregator.tallies.postgres_tally_store import QUERIES
from outbox.leader_producer import LeaderProducer, LeaderRecord, SupersededError
from outbox.postgres_leases import Lease
from telemetry.failpoints import failpoint
from telemetry.logs import get

if TYPE_CHECKING:
    import asyncpg

log = get()

LastInTopic = Callable[[], Awaitable[tuple[int, int] | None]]
"""(term, cut) of the newest record in region-counts, None where there is none."""


@dataclass(slots=True)
class LeaderState:
    """What the leader of one term has published; times are monotonic seconds."""

    term: int
    cut: int
    head: CutHead | None = None
    full_offset: int = -1
    full_at: float = float("-inf")
    record_at: float = float("-inf")


class CutPublisher:
    """The cuts of one process, while it leads."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        lease: Lease,
        wire: LeaderProducer,
        topic: str,
        last_in_topic: LastInTopic,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._wire = wire
        self._topic = topic
        self._last_in_topic = last_in_topic
        self._clock = clock
        self._reign: LeaderState | None = None
        self.rows_changed = 0
        """How many rows changed in what was published last; 0 where nothing was due."""

    @property
    def positions(self) -> tuple[int, ...] | None:
        """The positions of the cut published last, while this process leads."""
        return self._reign.head.positions if self._reign and self._reign.head else None

    async def publish_once(self) -> Due | None:
        """Publish what is due, None where another leads. After a failure a new full comes first."""
        term = self._lease.term
        if term is None:
            self._reign = None
            await self._wire.abandon()
            return None
        if self._reign is None or self._reign.term != term:
            self._reign = await self._take_over(term)
        try:
            return await self._publish(self._reign)
        except BaseException:
            # Whether the last record arrived is unknown: no change may build on it.
            self._reign.head = None
            raise

    async def _take_over(self, term: int) -> LeaderState:
        """Continue the numbers of cuts in a term above the topic's, even after a restored database."""
        before = await published_state(self._pool)
        shown_term, shown_cut = await self._last_in_topic() or (0, 0)
        if shown_term >= term:
            lifted = await self._lease.raise_term(shown_term)
            if lifted is None:
                raise SupersededError("the lease was lost while taking over")
            term = lifted
        log.info("publisher takes over", term=term, cut=max(before.cut, shown_cut))
        return LeaderState(term, max(before.cut, shown_cut))

    async def _publish(self, reign: LeaderState) -> Due:
        started_at = self._clock()
        self.rows_changed = 0
        async with snapshot(self._pool) as view:
            head, as_of = await view.head()
            what = due(reign.head, head, started_at - reign.full_at, started_at - reign.record_at)
            changed, whole = await _read(view, what, reign.head, head)
        GAPS.set(len(head.gaps))
        OUTSTANDING.set(head.quarantined_total)
        if what is Due.NOTHING:
            return what
        base = reign.cut
        if what.is_new:
            await self._reserve(reign, base + 1)
        cut = Cut(reign.term, reign.cut, as_of, head)
        await self._send(reign, cut, base, changed, whole)
        CUT_SECONDS.observe(self._clock() - started_at)
        return what

    async def _reserve(self, reign: LeaderState, number: int) -> None:
        failpoint("publisher.before_reserve")
        reserved = await QUERIES.reserve(self._pool, lease=self._lease.name, term=reign.term, cut=number)
        if not reserved:
            await self._lease.renew()
            raise SupersededError(f"term {reign.term} leads no more")
        reign.cut = number

    async def _send(
        self, reign: LeaderState, cut: Cut, base: int, changed: list[Row] | None, whole: list[Row] | None
    ) -> None:
        self.rows_changed = len(changed or ())
        if changed is not None:
            await self._produce(reign, [write_change(cut, base, reign.full_offset, changed)], "change")
        if whole is not None:
            reign.full_offset = await self._produce(reign, write_full(cut, reign.full_offset, whole), "full")
            reign.full_at = self._clock()
        reign.head = cut.head

    async def _produce(self, reign: LeaderState, records: list[bytes], kind: str) -> int:
        failpoint("publisher.before_produce")
        messages = [LeaderRecord(self._topic, None, record) for record in records]
        offset = await self._wire.send(messages, reign.term)
        failpoint("publisher.after_produce")
        reign.record_at = self._clock()
        CUTS.labels(kind).inc(len(records))
        return offset


async def _read(
    view: Snapshot, what: Due, last: CutHead | None, head: CutHead
) -> tuple[list[Row] | None, list[Row] | None]:
    """The rows of a change and of a full, each None where none is due."""
    if what is Due.NOTHING:
        return None, None
    if what is Due.HEART_BEAT:
        return [], None
    if what in (Due.CHANGE, Due.CHANGE_AND_FULL):
        assert last is not None, "a change without a cut to build on"
        changed = await view.changed(last)
        if not fits_change(changed):
            return None, await view.all(head.set_id)
        return changed, await view.all(head.set_id) if what is Due.CHANGE_AND_FULL else None
    return None, await view.all(head.set_id)

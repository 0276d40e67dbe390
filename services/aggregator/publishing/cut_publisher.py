"""Publishes cuts to region-counts: the leader reads a snapshot, reserves a cut number and sends the records.

The cut that is newest when a minute ends is also kept: see `minute_keeper`.
Failpoints: `publisher.before_reserve`, `publisher.before_produce`, `publisher.after_produce`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from aggregator.domain.cut_record import (
    COMPARE_EVERY_S,
    NO_CONTENT,
    Cut,
    CutContent,
    CutHead,
    DueRecord,
    RowKey,
    differing_rows,
    due_record,
    fits_change,
    write_change,
    write_full,
)
from aggregator.metrics import CUT_SECONDS, CUTS, GAPS, OUTSTANDING
from aggregator.publishing.cut_snapshot import CutSnapshot, open_snapshot, read_published_state
from aggregator.publishing.ignored_records import IgnoredRecords
from aggregator.publishing.last_published_cut import NEWEST_RECORDS, last_cut
from aggregator.publishing.minute_keeper import MinuteKeeper
from aggregator.publishing.queries import QUERIES
from database.replication import replicated_connection
from kafka.leader_producer import LeaderProducer, LeaderRecord, SupersededError
from outbox.postgres_leases import Lease
from telemetry.failpoints import failpoint
from telemetry.logs import get

if TYPE_CHECKING:
    import asyncpg

log = get()

TOPIC: Final = "region-counts"


@dataclass(slots=True)
class LeaderState:
    """What the leader of one term has published. Times are monotonic seconds."""

    term: int
    cut: int
    head: CutHead | None = None
    quarantined_total: int = 0
    full_cut: int = -1
    full_offset: int = -1
    full_at: float = float("-inf")
    record_at: float = float("-inf")
    compared_at: float = float("-inf")
    published: dict[RowKey, int] = field(default_factory=dict)
    """The counts of the last published cut."""


class CutPublisher:
    """Publishes the cuts of a leader."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        lease: Lease,
        producer: LeaderProducer,
        ignored: IgnoredRecords,
        minutes: MinuteKeeper,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._producer = producer
        self._ignored = ignored
        self._minutes = minutes
        self._clock = clock
        self._leader: LeaderState | None = None
        self._last_cut = 0
        """The last cut of the former leader."""
        self.rows_changed = 0
        """The number of rows in the last call's change record; 0 if no change record was due."""

    @property
    def positions(self) -> tuple[int, ...] | None:
        """The positions of the last published cut; None before the first cut after a take-over."""
        return self._leader.head.positions if self._leader and self._leader.head else None

    async def take_over(self) -> int:
        """Continue the cut numbers of the former leader; return the highest term in the topic.

        The last cut is forgotten: it is not known whether it arrived, so no change record may be based on it.
        """
        self._leader = None
        stored = await read_published_state(self._pool)
        topic_term, topic_cut = last_cut(await self._producer.newest_records(TOPIC, NEWEST_RECORDS))
        self._last_cut = max(stored.cut, topic_cut)
        return topic_term

    async def publish_once(self, term: int) -> DueRecord:
        """Publish the records that are due, and return which these were.

        The first record after `take_over` is a full record. Raises SupersededError if the lease was lost.
        """
        if self._leader is None:
            self._leader = LeaderState(term, self._last_cut)
        return await self._publish(self._leader)

    async def _publish(self, leader: LeaderState) -> DueRecord:
        started_at = self._clock()
        self.rows_changed = 0
        async with open_snapshot(self._pool) as snapshot:
            head, as_of = await snapshot.head()
            due = due_record(
                leader.head,
                head,
                started_at - leader.full_at,
                started_at - leader.record_at,
                is_last_full=leader.full_cut == leader.cut,
            )
            changes, content = await _read_content(snapshot, due, leader.head, head)
            if content is None and started_at - leader.compared_at >= COMPARE_EVERY_S:
                due, changes = await self._compare(snapshot, leader, head, (due, changes))
            ended_minute = await self._minutes.read_ended(snapshot.connection, head.set_id)
        GAPS.set(len(head.gaps))
        base = leader.cut
        if due.is_new_cut:
            await self._reserve(leader, base + 1)
        cut = Cut(leader.term, leader.cut, as_of, head, ignored=self._ignored.count)
        if due is not DueRecord.NOTHING:
            await self._send(leader, cut, base, changes, content)
            OUTSTANDING.set(leader.quarantined_total)
            CUT_SECONDS.observe(self._clock() - started_at)
        if ended_minute is not None:
            await self._minutes.keep(cut, ended_minute)
        return due

    async def _compare(
        self,
        snapshot: CutSnapshot,
        leader: LeaderState,
        head: CutHead,
        found: tuple[DueRecord, CutContent | None],
    ) -> tuple[DueRecord, CutContent | None]:
        """Compare all tallies with the published counts; return the record that is due, and its changes."""
        due, changes = found
        rows = differing_rows(leader.published, await snapshot.rows(head))
        leader.compared_at = self._clock()
        if not rows:
            return due, changes
        if not due.is_new_cut:
            log.warning("tallies differ from the published cut", rows=len(rows), cut=leader.cut)
        return DueRecord.CHANGE, CutContent(changes.quarantined if changes else (), rows)

    async def _reserve(self, leader: LeaderState, number: int) -> None:
        failpoint("publisher.before_reserve")
        # The cut was read before this commit, so a standby that has the commit has the cut's tallies.
        async with replicated_connection(self._pool) as connection:
            reserved = await QUERIES.reserve_cut(
                connection, lease=self._lease.name, term=leader.term, cut=number
            )
        if not reserved:
            await self._lease.renew()
            raise SupersededError(f"term {leader.term} no longer leads")
        leader.cut = number

    async def _send(
        self,
        leader: LeaderState,
        cut: Cut,
        base: int,
        changes: CutContent | None,
        content: CutContent | None,
    ) -> None:
        self.rows_changed = len(changes.rows) if changes else 0
        if changes is not None:
            leader.quarantined_total += changes.quarantined_events
            cut = replace(cut, quarantined_total=leader.quarantined_total)
            await self._produce(leader, [write_change(cut, base, leader.full_offset, changes)], "change")
            leader.published.update({row[:3]: row[3] for row in changes.rows})
        if content is not None:
            leader.quarantined_total = content.quarantined_events
            cut = replace(cut, quarantined_total=leader.quarantined_total)
            parts = write_full(cut, leader.full_offset, content)
            leader.full_offset = await self._produce(leader, parts, "full")
            leader.full_cut = cut.number
            leader.full_at = leader.compared_at = self._clock()
            leader.published = {row[:3]: row[3] for row in content.rows}
        leader.head = cut.head

    async def _produce(self, leader: LeaderState, values: list[bytes], kind: str) -> int:
        failpoint("publisher.before_produce")
        records = [LeaderRecord(None, value) for value in values]
        offset = await self._producer.send(TOPIC, records, leader.term)
        failpoint("publisher.after_produce")
        leader.record_at = self._clock()
        CUTS.labels(kind).inc(len(values))
        return offset


async def _read_content(
    snapshot: CutSnapshot, due: DueRecord, last: CutHead | None, head: CutHead
) -> tuple[CutContent | None, CutContent | None]:
    """Read the content of a change record and of a full record; None for a record that is not due.

    If the changes do not fit in one change record, a full record is published instead.
    """
    if due is DueRecord.NOTHING:
        return None, None
    if due is DueRecord.HEARTBEAT:
        return NO_CONTENT, None
    if due in (DueRecord.CHANGE, DueRecord.CHANGE_AND_FULL):
        assert last is not None, "a change needs a published cut as its base"
        changes = await snapshot.changes(last, head)
        if not fits_change(changes):
            return None, await snapshot.content(head)
        is_full_due = due is DueRecord.CHANGE_AND_FULL
        return changes, await snapshot.content(head) if is_full_due else None
    return None, await snapshot.content(head)

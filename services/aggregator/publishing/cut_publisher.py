"""Publishes cuts to region-counts: the leader reads a snapshot, reserves a cut number and sends the records.

Failpoints: `publisher.before_reserve`, `publisher.before_produce`, `publisher.after_produce`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregator.domain.cut_record import (
    Cut,
    CutHead,
    DueRecord,
    Row,
    due_record,
    fits_change,
    write_change,
    write_full,
)
from aggregator.metrics import CUT_SECONDS, CUTS, GAPS, OUTSTANDING
from aggregator.publishing.cut_snapshot import CutSnapshot, open_snapshot, read_published_state
from aggregator.publishing.last_published_cut import last_cut
from aggregator.publishing.queries import QUERIES
from kafka.leader_producer import LeaderProducer, LeaderRecord, SupersededError
from outbox.postgres_leases import Lease
from telemetry.failpoints import failpoint
from telemetry.logs import get

if TYPE_CHECKING:
    import asyncpg

log = get()


@dataclass(slots=True)
class LeaderState:
    """What the leader of one term has published. Times are monotonic seconds."""

    term: int
    cut: int
    head: CutHead | None = None
    full_offset: int = -1
    full_at: float = float("-inf")
    record_at: float = float("-inf")


class CutPublisher:
    """Publishes cuts while this process leads."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        lease: Lease,
        producer: LeaderProducer,
        topic: str,
        newest_records: Callable[[], Awaitable[Mapping[int, Sequence[Any]]]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._producer = producer
        self._topic = topic
        self._newest_records = newest_records
        self._clock = clock
        self._leader: LeaderState | None = None
        self.rows_changed = 0
        """The number of rows in the last call's change record; 0 if no change record was due."""

    @property
    def positions(self) -> tuple[int, ...] | None:
        """The positions of the last published cut.

        None if this process does not lead, has not yet published a cut in its term, or failed when it last
        published.
        """
        return self._leader.head.positions if self._leader and self._leader.head else None

    async def publish_once(self) -> DueRecord | None:
        """Publish the records that are due, and return which these were; None if another process leads.

        After a failure the next record is a full record. Raises SupersededError if the lease was lost.
        """
        term = self._lease.term
        if term is None:
            self._leader = None
            await self._producer.abandon()
            return None
        if self._leader is None or self._leader.term != term:
            self._leader = await self._take_over(term)
        try:
            return await self._publish(self._leader)
        except BaseException:
            # It is not known whether the last record arrived, so no change record may be based on its cut.
            self._leader.head = None
            raise

    async def _take_over(self, term: int) -> LeaderState:
        """Return the state of a new leader, which continues the cut numbers.

        If the database was restored from a backup, its term may be lower than the newest term in the topic.
        The term is then raised above that one.
        """
        stored = await read_published_state(self._pool)
        topic_term, topic_cut = last_cut((await self._newest_records())[0])
        if topic_term >= term:
            lifted = await self._lease.raise_term(topic_term)
            if lifted is None:
                raise SupersededError("the lease was lost during the take-over")
            term = lifted
        log.info("publisher took over", term=term, cut=max(stored.cut, topic_cut))
        return LeaderState(term, max(stored.cut, topic_cut))

    async def _publish(self, leader: LeaderState) -> DueRecord:
        started_at = self._clock()
        self.rows_changed = 0
        async with open_snapshot(self._pool) as snapshot:
            head, as_of = await snapshot.head()
            due = due_record(leader.head, head, started_at - leader.full_at, started_at - leader.record_at)
            changed_rows, full_rows = await _read_rows(snapshot, due, leader.head, head)
        GAPS.set(len(head.gaps))
        OUTSTANDING.set(head.quarantined_total)
        if due is DueRecord.NOTHING:
            return due
        base = leader.cut
        if due.is_new_cut:
            await self._reserve(leader, base + 1)
        cut = Cut(leader.term, leader.cut, as_of, head)
        await self._send(leader, cut, base, changed_rows, full_rows)
        CUT_SECONDS.observe(self._clock() - started_at)
        return due

    async def _reserve(self, leader: LeaderState, number: int) -> None:
        failpoint("publisher.before_reserve")
        reserved = await QUERIES.reserve_cut(self._pool, lease=self._lease.name, term=leader.term, cut=number)
        if not reserved:
            await self._lease.renew()
            raise SupersededError(f"term {leader.term} no longer leads")
        leader.cut = number

    async def _send(
        self,
        leader: LeaderState,
        cut: Cut,
        base: int,
        changed_rows: list[Row] | None,
        full_rows: list[Row] | None,
    ) -> None:
        self.rows_changed = len(changed_rows or ())
        if changed_rows is not None:
            change = write_change(cut, base, leader.full_offset, changed_rows)
            await self._produce(leader, [change], "change")
        if full_rows is not None:
            parts = write_full(cut, leader.full_offset, full_rows)
            leader.full_offset = await self._produce(leader, parts, "full")
            leader.full_at = self._clock()
        leader.head = cut.head

    async def _produce(self, leader: LeaderState, values: list[bytes], kind: str) -> int:
        failpoint("publisher.before_produce")
        records = [LeaderRecord(self._topic, None, value) for value in values]
        offset = await self._producer.send(records, leader.term)
        failpoint("publisher.after_produce")
        leader.record_at = self._clock()
        CUTS.labels(kind).inc(len(values))
        return offset


async def _read_rows(
    snapshot: CutSnapshot, due: DueRecord, last: CutHead | None, head: CutHead
) -> tuple[list[Row] | None, list[Row] | None]:
    """Read the rows of a change record and the rows of a full record; None for a record that is not due.

    If the changed rows do not fit in one change record, a full record is published instead.
    """
    if due is DueRecord.NOTHING:
        return None, None
    if due is DueRecord.HEARTBEAT:
        return [], None
    if due in (DueRecord.CHANGE, DueRecord.CHANGE_AND_FULL):
        assert last is not None, "a change needs a published cut as its base"
        changed_rows = await snapshot.changed_rows(last)
        if not fits_change(changed_rows):
            return None, await snapshot.all_rows(head.set_id)
        is_full_due = due is DueRecord.CHANGE_AND_FULL
        return changed_rows, await snapshot.all_rows(head.set_id) if is_full_due else None
    return None, await snapshot.all_rows(head.set_id)

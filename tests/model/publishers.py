"""The topic region-counts in memory, and the publishers that write cuts to it by the product's rules."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aggregator.domain.cut_record import (
    HEAD_BYTES,
    NO_CONTENT,
    Cut,
    CutContent,
    CutHead,
    DueRecord,
    due_record,
    write_change,
    write_full,
)
from cuts.records import CutRecord, UndecodableRecordError, decode_cut
from tests.model import process_driver
from tests.model.process_driver import LoopDriver, Process
from tests.model.register import PARTITIONS, RECORDED_AT, Cell
from tests.model.stepping_loop import SteppingLoop
from tests.model.workers import TallyDatabase
from tests.support.fakes.leases_and_broker import MemoryLeases, leadership
from tests.support.manual_clock import ManualClock
from tests.support.samples.quarantine import Range, ranges_of

LEASE = "publisher"
PART_BYTES = HEAD_BYTES + 240
"""So small that a full record has several parts."""


class CutLog:
    """The decoded records of region-counts, and the highest published value of each count."""

    def __init__(self) -> None:
        self.records: list[CutRecord] = []
        self.highest: dict[Cell, int] = {}
        self.undecodable = False
        """Whether a published record could not be decoded."""

    @property
    def newest(self) -> CutRecord | None:
        """The newest record; None if there is none."""
        return self.records[-1] if self.records else None

    def append(self, value: bytes) -> None:
        """Decode and append a record."""
        try:
            record = decode_cut(value)
        except UndecodableRecordError:
            self.undecodable = True
            return
        self.records.append(record)
        for scope, region, measure, count in record.rows:
            key = (scope, region, measure)
            self.highest[key] = max(self.highest.get(key, 0), count)

    def start(self) -> int:
        """Return the offset at which a reader starts: that of the full record named by the newest record.

        If it names none, it is itself a part of the first full record, and the reader starts there.
        """
        if self.newest is None:
            return 0
        full_offset = self.newest.full_offset
        return full_offset if full_offset >= 0 else max(0, len(self.records) - 1 - self.newest.part)


class CutNumbers:
    """The table row with the last assigned cut number."""

    def __init__(self, leases: MemoryLeases) -> None:
        self._leases = leases
        self.last = (0, 0)

    def reserve(self, term: int, number: int) -> bool:
        """Reserve a cut number for `term`, and return whether this succeeded.

        It fails if `term` does not lead, or if (term, number) is not above the last reserved (term, number).
        """
        if not self._leases.leads(LEASE, term) or self.last >= (term, number):
            return False
        self.last = (term, number)
        return True


class SupersededError(Exception):
    """Another process has become the leader."""


class Publisher(Process):
    """A publisher: reads a snapshot, reserves a cut number, writes records, and remembers the last cut."""

    instances = 0

    def __init__(
        self,
        loop: SteppingLoop,
        stored: TallyDatabase,
        log: CutLog,
        numbers: CutNumbers,
        leases: MemoryLeases,
        clock: ManualClock,
    ) -> None:
        super().__init__(LoopDriver(loop))
        self._loop = loop
        self._stored = stored
        self._log = log
        self._numbers = numbers
        self._leases = leases
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        Publisher.instances += 1
        self._lease = leadership(self._leases, LEASE, f"publisher-{Publisher.instances}", self._clock)
        self._term: int | None = None
        self._head: CutHead | None = None
        self._number = self._quarantined_total = 0
        self._full_number = -1
        self._full_offset = -1
        self._full_at = self._record_at = float("-inf")

    def renew(self) -> None:
        """Take or renew the lease."""
        self._loop.finish(self._lease.renew())

    def work(self, choice: int) -> Coroutine[Any, Any, None]:
        return self._work()

    async def _work(self) -> None:
        with suppress(process_driver.InjectedFailureError, SupersededError):
            await self._publish_once()

    async def _publish_once(self) -> None:
        term = self._lease.term
        if term is None:
            self._term = None
            return
        if term != self._term:
            await self._take_over(term)
        try:
            await self._publish()
        except (process_driver.InjectedFailureError, SupersededError):
            self._head = None
            raise

    async def _take_over(self, term: int) -> None:
        await self.driver.interruption_point()
        topic_term, topic_cut = max((record.version for record in self._log.records), default=(0, 0))
        if topic_term >= term:
            raised_term = await self._lease.raise_term(topic_term)
            if raised_term is None:
                raise SupersededError
            term = raised_term
        self._term, self._number = term, max(self._numbers.last[1], topic_cut)
        self._head, self._full_offset = None, -1
        self._full_at = self._record_at = float("-inf")

    async def _publish(self) -> None:
        await self.driver.interruption_point()
        now_s = self._clock()
        head = self._read_head()
        due = due_record(
            self._head,
            head,
            now_s - self._full_at,
            now_s - self._record_at,
            is_last_full=self._full_number == self._number,
        )
        changes, content = self._read_content(due, head)
        if due is DueRecord.NOTHING:
            return
        base = self._number
        assert self._term is not None, "a publisher without a term"
        if due.is_new_cut:
            await self.driver.interruption_point()
            if not self._numbers.reserve(self._term, base + 1):
                raise SupersededError
            self._number = base + 1
        cut = Cut(self._term, self._number, RECORDED_AT + timedelta(seconds=now_s), head)
        if changes is not None:
            self._quarantined_total += changes.quarantined_events
            cut = replace(cut, quarantined_total=self._quarantined_total)
            await self._produce([write_change(cut, base, self._full_offset, changes)])
        if content is not None:
            self._quarantined_total = content.quarantined_events
            cut = replace(cut, quarantined_total=self._quarantined_total)
            records = write_full(cut, self._full_offset, content, PART_BYTES)
            self._full_offset = await self._produce(records)
            self._full_at, self._full_number = self._clock(), self._number
        self._head = head
        self._forget_changed(head)

    def _read_head(self) -> CutHead:
        tallies = self._stored.tallies
        positions = self._stored.positions
        gaps = tuple(
            (partition, positions[partition] + 1, tallies.gaps[partition])
            for partition in range(PARTITIONS)
            if partition in tallies.gaps
        )
        return CutHead(1, 0, 1, positions, gaps, self._stored.next_offsets)

    def _read_content(self, due: DueRecord, head: CutHead) -> tuple[CutContent | None, CutContent | None]:
        counts = self._stored.tallies.counts
        changes: CutContent | None = None
        if due is DueRecord.HEARTBEAT:
            changes = NO_CONTENT
        elif due in (DueRecord.CHANGE, DueRecord.CHANGE_AND_FULL):
            assert self._head is not None, "a change without a base cut"
            since = self._head.positions
            keys = {
                key
                for partition, sequence, keys in self._stored.changed
                if sequence > since[partition]
                for key in keys
            }
            changes = CutContent(
                self._quarantined_above(since), [(*key, counts[key]) for key in sorted(keys)]
            )
        full = due in (
            DueRecord.FULL_OF_SAME_CUT,
            DueRecord.FULL_OF_NEW_CUT,
            DueRecord.CHANGE_AND_FULL,
        )
        rows = [(*key, count) for key, count in sorted(counts.items()) if count]
        return changes, CutContent(self._quarantined_above((0, 0)), rows) if full else None

    def _quarantined_above(self, positions: Sequence[int]) -> Sequence[Range]:
        return ranges_of(
            (partition, sequence)
            for partition, sequence in self._stored.quarantined
            if sequence > positions[partition]
        )

    async def _produce(self, values: list[bytes]) -> int:
        """Send the records of one request; return the offset of the first record."""
        if self._lease.term != self._term:
            raise SupersededError

        waiting = list(values)
        offset: int | None = None

        def arrive() -> None:
            while waiting:
                self._log.append(waiting.pop(0))

        while waiting:
            # Between two parts of a full record, another leader may write records, or this process may die.
            self.pending_request = arrive
            await self.driver.interruption_point()
            self.pending_request = None
            offset = len(self._log.records) if offset is None else offset
            self._log.append(waiting.pop(0))
        await self.driver.interruption_point()
        self._record_at = self._clock()
        assert offset is not None, "a request without records"
        return offset

    def _forget_changed(self, head: CutHead) -> None:
        self._stored.changed = [
            entry for entry in self._stored.changed if entry[1] > head.positions[entry[0]]
        ]

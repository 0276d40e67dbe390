"""Patches aiokafka's fetcher so that consumers return runs of records instead of single records.

A run is a list of successive records. For each record, aiokafka makes four Python calls and creates an object
of eleven fields; a run saves these. The patch keeps aiokafka's loop over batches, which handles checksums,
transactions and control batches. Within that loop it takes all records of a batch at once: as records that
aiokafka's decoder reads or, for the compiled decoder, as the bytes of the batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, ClassVar, Final, Protocol

from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords

from aggregator.domain.event import Record

LENGTH_FIELD_OFFSET: Final = 8
LENGTH_FIELD_END: Final = 12


class Run(Protocol):
    """Successive records of one partition."""

    @property
    def offset(self) -> int:
        """The highest offset of the run; -1 if the run is empty."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Record: ...

    def extend(self, other: Any, /) -> None:
        """Append the records of another run of the same type."""

    def part(self, start: int, stop: int, /) -> Run:
        """Return those of the records `start` to `stop` - 1 that the run has."""

    def since(self, offset: int, /) -> Run:
        """Return the records from `offset` on.

        Records whose offset repeats an earlier record's, or is lower than it, are left out.
        """


class RunType(Protocol):
    """A type of runs; only runs of the same type can be joined."""

    def __call__(self) -> Run:
        """Create an empty run."""

    def from_batch(self, batch: Any, raw: memoryview) -> Run:
        """Read all records of aiokafka's `batch`, whose bytes are `raw`. Raises CorruptRecordException."""


class RecordRun(list[Any]):
    """A run of records that aiokafka's decoder has read."""

    def __init__(self, records: Iterable[Any] = ()) -> None:
        super().__init__(records)
        offsets = [record.offset for record in self]
        first = offsets[0] if offsets else 0
        self._is_contiguous = offsets == list(range(first, first + len(offsets)))
        self.offset: int = max(offsets, default=-1)

    @classmethod
    def from_batch(cls, batch: Any, raw: memoryview) -> RecordRun:
        """See `RunType`."""
        return cls(batch)

    def extend(self, other: Any) -> None:
        """See `Run`."""
        super().extend(other)
        self._is_contiguous = False  # unknown; `since` then checks each record
        self.offset = max(self.offset, other.offset)

    def part(self, start: int, stop: int) -> RecordRun:
        """See `Run`."""
        return RecordRun(self[max(0, start) : max(0, stop)])

    def since(self, offset: int) -> RecordRun:
        """See `Run`."""
        if self._is_contiguous and self and self[0].offset >= offset:
            return self
        rising = []
        for record in self:
            if record.offset >= offset:
                rising.append(record)
                offset = record.offset + 1
        return RecordRun(rising)


class RunBatch:
    """Wraps a batch of aiokafka. Iteration yields all records of the batch as one run."""

    run_type: ClassVar[RunType] = RecordRun

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Run]:
        run = self.run_type.from_batch(self._batch, self._raw)
        return iter((run,) if len(run) else ())


class RunMemoryRecords:
    """Wraps a MemoryRecords of aiokafka, so that its batches yield runs."""

    def __init__(self, raw: bytes) -> None:
        self._batches = MemoryRecords(raw)
        self._raw = memoryview(raw)
        self._batch_start = 0

    def size_in_bytes(self) -> int:
        return int(self._batches.size_in_bytes())

    def has_next(self) -> bool:
        return bool(self._batches.has_next())

    def next_batch(self) -> RunBatch:
        """Return the next batch, of any format. Raises CorruptRecordException."""
        batch = self._batches.next_batch()
        start = self._batch_start
        self._batch_start += LENGTH_FIELD_END + int32_at(self._raw, start + LENGTH_FIELD_OFFSET)
        return RunBatch(batch, self._raw[start : self._batch_start])


class RunPartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka ships no types
    """aiokafka's PartitionRecords, the records of one partition in one fetch; it returns them as runs."""

    _records_iterator: Iterator[Run]

    def _consumer_record(self, _tp: object, run: Run) -> Run:
        """Return the run without the records below the next offset to fetch."""
        return run.since(self.next_fetch_offset)

    def next_run(self, records_max: int | None) -> tuple[Run, bool]:
        """Return at most `records_max` next records as one run, and whether more records may be left."""
        joined = RunBatch.run_type()
        for run in self:
            capacity = len(run) if records_max is None else records_max - len(joined)
            if len(run) > capacity:
                self._records_iterator = chain((run.part(capacity, len(run)),), self._records_iterator)
                run = run.part(0, capacity)
            joined.extend(run)
            self.next_fetch_offset = run.offset + 1
            if records_max is not None and len(joined) >= records_max:
                return joined, True
        return joined, False


class RunFetchResult(fetcher.FetchResult):  # type: ignore[misc]  # aiokafka ships no types
    """aiokafka's FetchResult, the fetched records of a partition; `getall` returns a run, not a list."""

    _partition_records: RunPartitionRecords | None

    def getall(self, max_records: int | None = None) -> Run | Sequence[Record]:
        """Return the next records as a run. Raises CorruptRecordException, as in aiokafka."""
        if not self.check_assignment(self._topic_partition) or self._partition_records is None:
            return ()
        run, has_more = self._partition_records.next_run(max_records)
        self._update_position()
        if not has_more:
            self._partition_records = None
        return run


def patch_fetcher(run_type: RunType) -> None:
    """Make all consumers of this process return runs of this type."""
    RunBatch.run_type = run_type
    fetcher.MemoryRecords = RunMemoryRecords
    fetcher.PartitionRecords = RunPartitionRecords
    fetcher.FetchResult = RunFetchResult


def int32_at(raw: memoryview, index: int) -> int:
    """Read a signed big-endian 32-bit integer."""
    return int.from_bytes(raw[index : index + 4], "big", signed=True)

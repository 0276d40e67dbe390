"""Lets aiokafka's consumers hand over records in runs, batch by batch.

aiokafka takes each record through four calls of Python and makes an object of eleven fields from it. Here its
own loop over batches stays, with checksums, transactions and control batches; what a batch holds is taken at
once: as the records of aiokafka's decoder or, for the compiled step, as the bytes they came in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, ClassVar, Final, Protocol

from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords

from aggregator.domain.event import Record

LENGTH_AT: Final = 8
LENGTH_ENDS: Final = 12


class Run(Protocol):
    """Records of one partition that follow each other."""

    @property
    def offset(self) -> int:
        """The highest offset in it, -1 in an empty run."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> Record: ...

    def extend(self, other: Any, /) -> None:
        """Add the records of another run of its kind."""

    def part(self, start: int, stop: int, /) -> Run:
        """The records from the place `start` to before the place `stop`."""

    def since(self, offset: int, /) -> Run:
        """The records with rising offsets from `offset` on."""


class RunType(Protocol):
    """A kind of runs, which go together with each other only."""

    def __call__(self) -> Run:
        """An empty run."""

    def of_batch(self, batch: Any, raw: memoryview) -> Run:
        """All records of aiokafka's `batch`, whose bytes are `raw`. Raises CorruptRecordException."""


class Records(list[Any]):
    """A run of records as aiokafka's decoder gives them."""

    def __init__(self, records: Iterable[Any] = ()) -> None:
        super().__init__(records)
        offsets = [record.offset for record in self]
        first = offsets[0] if offsets else 0
        self._without_holes = offsets == list(range(first, first + len(offsets)))
        self.offset: int = max(offsets, default=-1)

    @classmethod
    def of_batch(cls, batch: Any, raw: memoryview) -> Records:
        """All records of a batch."""
        return cls(batch)

    def extend(self, other: Any) -> None:
        """Add the records of another run."""
        super().extend(other)
        self.offset = max(self.offset, other.offset)

    def part(self, start: int, stop: int) -> Records:
        """The records from the place `start` to before the place `stop`."""
        return Records(self[start:stop])

    def since(self, offset: int) -> Records:
        """The records with rising offsets from `offset` on."""
        if self._without_holes and self and self[0].offset >= offset:
            return self
        some = []
        for record in self:
            if record.offset >= offset:
                some.append(record)
                offset = record.offset + 1
        return Records(some)


class RunBatch:
    """aiokafka's batch, giving its records as one run."""

    run_type: ClassVar[RunType] = Records

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Run]:
        run = self.run_type.of_batch(self._batch, self._raw)
        return iter((run,) if len(run) else ())


class Batches:
    """aiokafka's MemoryRecords, whose batches give runs."""

    def __init__(self, raw: bytes) -> None:
        self._batches = MemoryRecords(raw)
        self._raw = memoryview(raw)
        self._at = 0

    def size_in_bytes(self) -> int:
        return int(self._batches.size_in_bytes())

    def has_next(self) -> bool:
        return bool(self._batches.has_next())

    def next_batch(self) -> RunBatch:
        """The next one, of whatever format; raises CorruptRecordException."""
        batch = self._batches.next_batch()
        start = self._at
        self._at += LENGTH_ENDS + int_at(self._raw, start + LENGTH_AT)
        return RunBatch(batch, self._raw[start : self._at])


class RunRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka ships no types
    """aiokafka's records of one fetch of a partition, in runs."""

    _records_iterator: Iterator[Run]

    def _consumer_record(self, _tp: object, run: Run) -> Run:
        """What lies at or above the fetch position."""
        return run.since(self.next_fetch_offset)

    def take(self, records_max: int | None) -> tuple[Run, bool]:
        """The next records as one run, and whether more are left."""
        whole = RunBatch.run_type()
        for run in self:
            room = len(run) if records_max is None else records_max - len(whole)
            if len(run) > room:
                self._records_iterator = chain((run.part(room, len(run)),), self._records_iterator)
                run = run.part(0, room)
            whole.extend(run)
            self.next_fetch_offset = run.offset + 1
            if records_max is not None and len(whole) >= records_max:
                return whole, True
        return whole, False


class RunResult(fetcher.FetchResult):  # type: ignore[misc]  # aiokafka ships no types
    """aiokafka's result of one fetch of a partition, handing over runs."""

    _partition_records: RunRecords | None

    def getall(self, max_records: int | None = None) -> Run | Sequence[Record]:
        """The next records; raises CorruptRecordException, as aiokafka does."""
        if not self.check_assignment(self._topic_partition) or self._partition_records is None:
            return ()
        run, more = self._partition_records.take(max_records)
        self._update_position()
        if not more:
            self._partition_records = None
        return run


def hand_over_runs(run_type: RunType) -> None:
    """Let all consumers of this process do so."""
    RunBatch.run_type = run_type
    fetcher.MemoryRecords = Batches
    fetcher.PartitionRecords = RunRecords
    fetcher.FetchResult = RunResult


def int_at(raw: memoryview, place: int) -> int:
    """The 32-bit number at a place, big-endian."""
    return int.from_bytes(raw[place : place + 4], "big", signed=True)

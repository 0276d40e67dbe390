"""Lets aiokafka's consumers hand over runs of records as the bytes they came in, for the compiled step.

aiokafka makes an object of each record, with copies of its key and value, before anybody asks. Here its own
loop over batches stays, with checksums, transactions and control batches; only the inside of a batch of
format 2 is not taken apart. What is not plain there, aiokafka's iteration reads, or refuses, as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from aiokafka import codec
from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords

from aggregator.compiled.runs import Kept, Run

LENGTH_AT = 8
LENGTH_ENDS = 12
MAGIC_AT = 16
COUNT_AT = 57
HEADER_BYTES = 61
FORMAT_2 = 2
AS_IT_IS = 0
DECOMPRESS: dict[int, Callable[[bytes], bytes]] = {
    AS_IT_IS: bytes,
    1: codec.gzip_decode,
    2: codec.snappy_decode,
    3: codec.lz4_decode,
    4: codec.zstd_decode,
}


class RunBatch:
    """A batch of format 2 that gives its records as one run; all else is aiokafka's."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Run]:
        run = Run()
        if not self._read(run):
            for record in self._batch:
                run.add(record.offset, record.value)
        return iter((run,) if run else ())

    def _read(self, run: Run) -> bool:
        decompress = DECOMPRESS.get(self._batch.compression_type)
        if decompress is None:
            return False
        data = decompress(bytes(self._raw[HEADER_BYTES:]))
        return run.add_batch(data, self._batch.base_offset, _int_at(self._raw, COUNT_AT))


class Batches:
    """aiokafka's MemoryRecords, whose batches of format 2 give runs."""

    def __init__(self, raw: bytes) -> None:
        self._batches = MemoryRecords(raw)
        self._raw = memoryview(raw)
        self._at = 0

    def size_in_bytes(self) -> int:
        return int(self._batches.size_in_bytes())

    def has_next(self) -> bool:
        return bool(self._batches.has_next())

    def next_batch(self) -> Any:
        """The next one, of whatever format; raises CorruptRecordException."""
        batch = self._batches.next_batch()
        raw = self._raw[self._at :]
        size = LENGTH_ENDS + _int_at(raw, LENGTH_AT)
        self._at += size
        if raw[MAGIC_AT] < FORMAT_2 or batch.is_control_batch:
            return batch
        return RunBatch(batch, raw[:size])


class RunRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka ships no types
    """aiokafka's records of one fetch of a partition, in runs."""

    _records_iterator: Iterator[Run]

    def _consumer_record(self, _tp: object, record: Any) -> Run:
        """What lies at or above the fetch position; a record of an older format is a run of its own."""
        if isinstance(record, Run):
            return record.since(self.next_fetch_offset)
        run = Run()
        run.add(record.offset, record.value)
        return run

    def take(self, records_max: int | None) -> tuple[Run, bool]:
        """The next records as one run, and whether more are left."""
        whole = Run()
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

    def getall(self, max_records: int | None = None) -> Run | Sequence[Kept]:
        """The next records; raises CorruptRecordException, as aiokafka does."""
        if not self.check_assignment(self._topic_partition) or self._partition_records is None:
            return ()
        run, more = self._partition_records.take(max_records)
        self._update_position()
        if not more:
            self._partition_records = None
        return run


def hand_over_runs() -> None:
    """Let all consumers of this process do so. Call before the first fetches."""
    fetcher.MemoryRecords = Batches
    fetcher.PartitionRecords = RunRecords
    fetcher.FetchResult = RunResult


def _int_at(raw: memoryview, place: int) -> int:
    return int.from_bytes(raw[place : place + 4], "big", signed=True)

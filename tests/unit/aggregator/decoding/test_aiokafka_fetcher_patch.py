"""The patched aiokafka returns the same records as the original, but as runs, and raises the same errors."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from inspect import isfunction
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import Fetcher, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from aggregator.decoding.aiokafka_fetcher_patch import (
    RecordRun,
    Run,
    RunBatch,
    RunFetchResult,
    RunMemoryRecords,
    RunPartitionRecords,
    RunType,
)
from deploy.local.decoder_build import can_compile

TP = TopicPartition("participant-events", 3)
Row = tuple[int, bytes | None]
HEADERS: list[tuple[str, bytes | None]] = [("content-type", b"application/json"), ("x", None), ("é", b"")]
RUN_TYPES: list[RunType] = [RecordRun]
if can_compile():
    from aggregator.decoding.compiled.byte_run import ByteRun

    RUN_TYPES.append(ByteRun)

values = st.none() | st.binary(max_size=200)
lists = st.lists(st.lists(values, max_size=5), max_size=4)
compressions = st.integers(0, 4)


@pytest.fixture(params=RUN_TYPES, ids=["records", "bytes"][: len(RUN_TYPES)], autouse=True, scope="module")
def run_type(request: pytest.FixtureRequest) -> Iterator[RunType]:
    """Run every test with each type of runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunBatch, "run_type", request.param)
        yield request.param


def batch(base: int, values: list[bytes | None], compression: int = 0, *, headers: bool = False) -> bytes:
    """A batch of format 2 from offset `base` on, as a broker stores it."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 1 << 20)
    for delta, value in enumerate(values):
        builder.append(delta, 1_700_000_000_000, b"key", value, HEADERS if headers else [])
    return struct.pack(">q", base) + bytes(builder.build())[8:]


def control(base: int) -> bytes:
    """A control batch of one record."""
    raw = bytearray(batch(base, [b"\0\0\0\0\0\0"]))
    raw[22] |= 0x20
    return sealed(raw)


def sealed(raw: bytearray) -> bytes:
    """Return the bytes of a batch with the checksum that matches them."""
    raw[17:21] = struct.pack(">I", calc_crc32c(bytes(raw[21:])))
    return bytes(raw)


def as_records(raw: bytes, fetch_offset: int = 0, *, checked: bool = True) -> tuple[list[Row], int]:
    """Read with unpatched aiokafka; return each record's offset and value, and the next offset to fetch."""
    records = PartitionRecords(TP, MemoryRecords(raw), [], fetch_offset, None, None, checked, 0)
    return [(record.offset, record.value) for record in records], records.next_fetch_offset


def as_runs(raw: bytes, fetch_offset: int = 0, *, checked: bool = True) -> tuple[list[Row], int]:
    """Read with the patched aiokafka; return the same as `as_records`."""
    records = RunPartitionRecords(TP, RunMemoryRecords(raw), [], fetch_offset, None, None, checked, 0)
    run, _ = records.next_run(None)
    return rows(run), records.next_fetch_offset


def rows(run: Any) -> list[Row]:
    return [(run[index].offset, run[index].value) for index in range(len(run))]


def outcome(read: Callable[[], tuple[list[Row], int]]) -> Any:
    """Return what `read` returns, or the type of the error that it raises."""
    try:
        return read()
    except Exception as error:
        return type(error)


def joined(batches: list[list[bytes | None]], compression: int, *, headers: bool = False) -> bytes:
    """Concatenate batches whose first offsets are ten apart."""
    return b"".join(
        batch(index * 10, values, compression, headers=headers)
        for index, values in enumerate(batches)
        if values
    )


@given(lists, compressions, st.integers(0, 35), st.booleans())
def test_batches_in_every_compression_are_read_alike(
    batches: list[list[bytes | None]], compression: int, fetch_offset: int, headers: bool
) -> None:
    raw = joined(batches, compression, headers=headers)

    assert as_runs(raw, fetch_offset) == as_records(raw, fetch_offset)


@given(lists, compressions, st.integers(0, 400))
def test_a_truncated_fetch_is_read_alike(
    batches: list[list[bytes | None]], compression: int, size: int
) -> None:
    raw = joined(batches, compression)[:size]

    assert outcome(lambda: as_runs(raw)) == outcome(lambda: as_records(raw))


@given(
    st.lists(values, min_size=1, max_size=4),
    compressions,
    st.lists(st.tuples(st.integers(21, 400), st.integers(0, 255)), min_size=1, max_size=2),
    st.booleans(),
    st.booleans(),
)
def test_damaged_batches_fail_alike(
    batch_values: list[bytes | None],
    compression: int,
    damages: list[tuple[int, int]],
    checked: bool,
    checksum_right: bool,
) -> None:
    raw = bytearray(batch(0, batch_values, compression, headers=True))
    for index, byte in damages:
        raw[index % (len(raw) - 21) + 21] = byte
    damaged = sealed(raw) if checksum_right else bytes(raw)

    runs_outcome = outcome(lambda: as_runs(damaged, checked=checked))

    assert runs_outcome == outcome(lambda: as_records(damaged, checked=checked))


@pytest.mark.parametrize("old_format", [0, 1])
@pytest.mark.parametrize("compression", [0, 1])
def test_batches_of_older_formats_are_read_alike(old_format: int, compression: int) -> None:
    builder = LegacyRecordBatchBuilder(old_format, compression, 1 << 20)
    builder.append(0, 1_700_000_000_000, b"key", b"old")
    raw = bytes(builder.build())

    assert as_runs(raw) == as_records(raw) == ([(0, b"old")], 1)


def test_control_batches_are_skipped() -> None:
    raw = control(5) + batch(7, [b"new", None]) + control(9)

    assert as_runs(raw) == as_records(raw) == ([(7, b"new"), (8, None)], 10)


class State:
    """The state of a partition in aiokafka's subscription."""

    paused = False
    position = 0

    def consumed_to(self, position: int) -> None:
        self.position = position


class Assignment:
    """An active assignment of the partition."""

    active = True

    def __init__(self) -> None:
        self.state = State()

    def state_value(self, _: object) -> State:
        return self.state


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(1, 7))
def test_a_run_has_at_most_records_max_records_and_the_position_follows(
    sizes: list[int], records_max: int
) -> None:
    raw = joined([[b"%d" % number for number in range(size)] for size in sizes], 3)
    assignment = Assignment()
    records = RunPartitionRecords(TP, RunMemoryRecords(raw), [], 0, None, None, True, 0)
    result = RunFetchResult(TP, assignment=assignment, partition_records=records, backoff=0)
    found: list[Row] = []

    while result.has_more():
        run = result.getall(records_max)
        assert len(run) <= records_max
        found += rows(run)
        assert not run or assignment.state.position > found[-1][0]

    assert (found, assignment.state.position) == as_records(raw)


def test_after_a_seek_a_partition_returns_no_records_fetched_before() -> None:
    assignment = Assignment()
    records = RunPartitionRecords(TP, RunMemoryRecords(batch(0, [b"a", b"b"])), [], 0, None, None, True, 0)
    result = RunFetchResult(TP, assignment=assignment, partition_records=records, backoff=0)
    assignment.state.consumed_to(1)

    assert len(result.getall()) == 0
    assert not result.has_more()


def test_the_offset_of_an_empty_run_is_minus_one(run_type: RunType) -> None:
    assert (len(run_type()), run_type().offset) == (0, -1)


def run_of(run_type: RunType, values: list[bytes | None]) -> Run:
    """A run of records with the offsets 0, 1, 2 …"""
    raw = batch(0, values)
    return run_type.from_batch(MemoryRecords(raw).next_batch(), memoryview(raw))


def test_a_run_is_split_and_joined_without_losing_records(run_type: RunType) -> None:
    run = run_of(run_type, [b"0", b"1", b"2", None, b"4"])

    joined = run.part(0, 2)
    joined.extend(run.part(2, 5))

    assert rows(joined) == rows(run) == [(0, b"0"), (1, b"1"), (2, b"2"), (3, None), (4, b"4")]
    assert [joined[-1].offset, joined.since(3)[0].offset, len(joined.since(3)), len(joined.since(5))] == [
        4,
        3,
        2,
        0,
    ]
    with pytest.raises(IndexError):
        joined[5]


@given(st.integers(-9, 9), st.integers(-9, 9))
def test_a_part_has_only_records_of_its_run(run_type: RunType, start: int, stop: int) -> None:
    run = run_of(run_type, [b"0", None, b"2", b"3"])

    part = run.part(start, stop)

    assert rows(part) == [row for row in rows(run) if start <= row[0] < stop]
    assert part.offset == max([offset for offset, _ in rows(part)], default=-1)


def test_repeated_records_of_a_joined_run_are_left_out(run_type: RunType) -> None:
    joined = run_of(run_type, [b"0", b"1", b"2"])

    joined.extend(joined.part(1, 3))

    assert [offset for offset, _ in rows(joined)] == [0, 1, 2, 1, 2]
    assert [offset for offset, _ in rows(joined.since(0))] == [0, 1, 2]


def test_aiokafkas_fetcher_uses_the_names_that_are_patched() -> None:
    methods = [method for method in vars(Fetcher).values() if isfunction(method)]

    used = {name for method in methods for name in method.__code__.co_names}

    assert used >= {"MemoryRecords", "PartitionRecords", "FetchResult"}

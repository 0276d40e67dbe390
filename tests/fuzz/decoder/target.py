"""Feeds inputs to the sanitized decoder and compares the results; runs as a process of its own.

A sanitizer ends this process at its first finding, and an unequal result raises AssertionError. Before each
input the file `input` in the folder is overwritten with it.
"""

from __future__ import annotations

import ast
import ctypes
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.record.memory_records import MemoryRecords

from aggregator.decoding import aiokafka_fetcher_patch as patch
from aggregator.decoding import compiled
from aggregator.decoding.batch_decoder import FoldStraightRun, decode_batch, decode_events
from aggregator.domain.straight_run import fold_straight_run
from tests.fuzz.decoder.inputs import Input, generate
from tests.support.samples.irregular_events import PARTITION, SampleRecord

PROCESS: Final = ctypes.CDLL(None)
TP: Final = TopicPartition("participant-events", PARTITION)
BYTES_HEADER: Final = bytes.__basicsize__ - 1
HASH_BYTES: Final = 8
PROGRESS_INPUTS: Final = 256


class Target:
    """The decoder built with sanitizers in a folder."""

    def __init__(self, folder: Path) -> None:
        compiled.__path__.insert(0, str(folder))
        from aggregator.decoding.compiled import byte_run, decoder, record_batch

        for module in (decoder, record_batch):
            assert str(module.__file__).startswith(str(folder)), f"{module.__file__} is not sanitized"
        byte_run.DECOMPRESS.update(
            {number: _guarding(function) for number, function in byte_run.DECOMPRESS.items()}
        )
        self._byte_run = byte_run.ByteRun
        self._folds: tuple[FoldStraightRun, ...] = (decoder.Decoder().fold_straight_run, fold_straight_run)
        self.straight = 0

    def feed(self, given: Input) -> None:
        """Compare the results for one input. Raises AssertionError if they differ."""
        self._compare_folds([SampleRecord(index, guarded(value)) for index, value in enumerate(given.values)])
        raw = given.batch
        expected = _outcome(lambda: _rows_of_records(raw))
        assert _outcome(lambda: _rows(self._run(raw))) == expected, "other records than aiokafka"
        if isinstance(expected, list):
            self._compare_folds(self._run(raw))
            self._compare_operations(raw, *given.numbers)

    def _run(self, raw: bytes) -> Any:
        """Read a batch as a worker does."""
        patch.RunBatch.run_type = self._byte_run
        records = patch.RunPartitionRecords(TP, patch.RunMemoryRecords(raw), [], 0, None, None, True, 0)
        return records.next_run(None)[0]

    def _compare_folds(self, records: Any) -> None:
        events = decode_events(records, PARTITION)
        starts = {0, *(event.sequence - 1 for _, event in events.events[:2])}
        for fold_run in self._folds:
            batch = decode_batch(records, PARTITION, fold_run)
            assert list(batch.unsequenced) == events.unsequenced, "other unsequenced records"
            for start in starts:
                assert batch.fold(start) == events.fold(start), f"another fold from {start}"
            self.straight += fold_run(records, PARTITION) is not None

    def _compare_operations(self, raw: bytes, first: int, second: int, third: int) -> None:
        """Compare the operations on a run with those on a list of records."""
        run = self._run(raw)
        records = patch.RecordRun([SampleRecord(offset, value) for offset, value in _rows(run)])
        for one in (run, records):
            one.extend(one.part(first, second))
        assert _rows(run.part(second, third)) == _rows(records.part(second, third)), "another part"
        assert _rows(run.since(first)) == _rows(records.since(first)), "other records since"
        assert (run.offset, _rows(run)) == (records.offset, _rows(records)), "another extended run"


def guarded(value: bytes | None) -> bytes | None:
    """Forbid access to the bytes beside a value: the hash before it and the zero after it."""
    if value is not None and len(value) > 1:  # Python shares shorter values
        address = id(value) + BYTES_HEADER
        PROCESS.__asan_poison_memory_region(
            ctypes.c_void_p(address - HASH_BYTES), ctypes.c_size_t(HASH_BYTES)
        )
        PROCESS.__asan_poison_memory_region(ctypes.c_void_p(address + len(value)), ctypes.c_size_t(1))
    return value


def _guarding(decompress: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def guarding(data: bytes) -> bytes:
        return (
            guarded(bytes(bytearray(decompress(data)))) or b""
        )  # a copy, because others may hold the result

    return guarding


def _rows_of_records(raw: bytes) -> list[tuple[int, bytes | None]]:
    """Read a batch with unpatched aiokafka."""
    records = PartitionRecords(TP, MemoryRecords(raw), [], 0, None, None, True, 0)
    return [(record.offset, record.value) for record in records]


def _rows(run: Any) -> list[tuple[int, bytes | None]]:
    return [(run[index].offset, run[index].value) for index in range(len(run))]


def _outcome(read: Callable[[], Any]) -> Any:
    """Return what `read` returns, or the type of its error."""
    try:
        return read()
    except Exception as error:
        return type(error)


def main(
    folder: Path,
    seconds: Annotated[int, typer.Option()] = 60,
    seed: Annotated[int, typer.Option()] = 0,
    replay: Annotated[Path | None, typer.Option()] = None,
) -> None:
    """Feed inputs for some seconds, or the input in one file."""
    target = Target(folder / "compiled")
    if replay:
        values, batch, numbers = ast.literal_eval(replay.read_text())
        target.feed(Input(values, batch, numbers))
        return
    rng, executions, started = random.Random(seed), 0, time.monotonic()
    file = os.open(folder / "input", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    while executions % PROGRESS_INPUTS or time.monotonic() - started < seconds:
        given = generate(rng)
        text = repr((given.values, given.batch, given.numbers)).encode()
        os.ftruncate(file, os.pwrite(file, text, 0))
        target.feed(given)
        executions += 1
    typer.echo(f"{executions} executions in {time.monotonic() - started:.0f} s, seed {seed}: 0 findings")
    typer.echo(f"{target.straight} runs were straight")


if __name__ == "__main__":
    typer.run(main)

"""Reads Kafka record batches of format 2 as bytes, for the compiled decoder.

Batches of other formats, and batches that `Run.add_batch` does not accept, are read by aiokafka's decoder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from aiokafka import codec

from aggregator.decoding.aiokafka_fetcher_patch import int32_at
from aggregator.decoding.compiled.record_batch import Run

MAGIC_OFFSET: Final = 16
RECORD_COUNT_OFFSET: Final = 57
HEADER_BYTES: Final = 61
FORMAT_2: Final = 2
UNCOMPRESSED: Final = 0
DECOMPRESS: Final[dict[int, Callable[[bytes], bytes]]] = {
    UNCOMPRESSED: bytes,
    1: codec.gzip_decode,
    2: codec.snappy_decode,
    3: codec.lz4_decode,
    4: codec.zstd_decode,
}


class ByteRun(Run):
    """A run whose records are slices of the fetched bytes."""

    @classmethod
    def from_batch(cls, batch: Any, raw: memoryview) -> ByteRun:
        """See `aggregator.decoding.aiokafka_fetcher_patch.RunType`."""
        run = cls()
        if not _add_bytes(run, batch, raw):
            for record in batch:
                run.add(record.offset, record.value)
        return run


def _add_bytes(run: Run, batch: Any, raw: memoryview) -> bool:
    if raw[MAGIC_OFFSET] < FORMAT_2:
        return False
    decompress = DECOMPRESS.get(batch.compression_type)
    if decompress is None:
        return False
    data = decompress(bytes(raw[HEADER_BYTES:]))
    return run.add_batch(data, batch.base_offset, int32_at(raw, RECORD_COUNT_OFFSET))

"""Takes batches of format 2 as the bytes they came in; what is not plain there, aiokafka's decoder reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from aiokafka import codec

from aggregator.decoding.aiokafka_patch import int_at
from aggregator.decoding.compiled.decoder import Run

MAGIC_AT: Final = 16
COUNT_AT: Final = 57
HEADER_BYTES: Final = 61
FORMAT_2: Final = 2
AS_IT_IS: Final = 0
DECOMPRESS: Final[dict[int, Callable[[bytes], bytes]]] = {
    AS_IT_IS: bytes,
    1: codec.gzip_decode,
    2: codec.snappy_decode,
    3: codec.lz4_decode,
    4: codec.zstd_decode,
}


class ByteRun(Run):
    """A run of records that nobody has taken apart."""

    @classmethod
    def of_batch(cls, batch: Any, raw: memoryview) -> ByteRun:
        """All records of a batch."""
        run = cls()
        if not _read(run, batch, raw):
            for record in batch:
                run.add(record.offset, record.value)
        return run


def _read(run: Run, batch: Any, raw: memoryview) -> bool:
    if raw[MAGIC_AT] < FORMAT_2:
        return False
    decompress = DECOMPRESS.get(batch.compression_type)
    if decompress is None:
        return False
    return run.add_batch(decompress(bytes(raw[HEADER_BYTES:])), batch.base_offset, int_at(raw, COUNT_AT))

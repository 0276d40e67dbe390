"""Generates inputs: lists of values, record batches, and numbers for the operations on runs.

Inputs are plain events, irregular events and arbitrary bytes, mutated by none or several steps.
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from tests.support.samples.irregular_events import EXTRAS, PARTITION, SEQUENCES, STANDINGS, TIMES

HEADER_BYTES: Final = 61
VALUES_MAX: Final = 5
MUTATIONS_MAX: Final = 4
ARBITRARY_BYTES_MAX: Final = 80
ARBITRARY_RECORD_BYTES_MAX: Final = 14
RECORD_BYTES: Final = (0, 0, 0, 1, 2, 2, 4, 6, 0x41, 0x7F, 0x80, 0x80, 0xFF)
"""Bytes of varints: lengths from -1 to 3, an extreme, and bytes that continue."""
NUMBERS: Final = (-(2**62), -1, 0, 1, 2, 3, 9, 2**62)
TOKENS: Final = (
    *(
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b" ",
        b"\n",
        b"-",
        b"0",
        b"\0",
        b"\x1f",
        b"\x7f",
        b"\xff",
    ),
    *(
        b"null",
        b"true",
        b"1e9",
        b"\\u0000",
        b'"before":',
        b'"after":',
        b'"sequence":',
        b'"data":{',
        b"9" * 19,
    ),
    # varints of batches: -1, the largest of five bytes, one that is too long
    *(b"\x01", b"\xff\xff\xff\xff\x0f", b"\x80" * 11),
)


@dataclass(frozen=True)
class Input:
    """Values of records, the bytes of a batch of them, and numbers for operations on the batch's run."""

    values: Sequence[bytes | None]
    batch: bytes
    numbers: tuple[int, int, int]


def generate(rng: random.Random) -> Input:
    """Return the next input."""
    first = rng.choice((1, 1, 1, 7, 10**17))
    values = [_value(rng, first + index) for index in range(rng.randint(1, VALUES_MAX))]
    batch = _batch(rng, values)
    return Input(values, batch, (rng.choice(NUMBERS), rng.choice(NUMBERS), rng.choice(NUMBERS)))


def _value(rng: random.Random, sequence: int) -> bytes | None:
    kind = rng.randrange(16)
    if kind == 0:
        return None
    if kind == 1:
        return rng.randbytes(rng.randrange(ARBITRARY_BYTES_MAX))
    value = _event(rng, sequence, is_plain=kind > 4)
    return value if kind > 8 else _mutated(rng, value)


def _event(rng: random.Random, sequence: int, *, is_plain: bool) -> bytes:
    def one_of(choices: Sequence[Any], plain: int) -> Any:
        return rng.choice(choices[:plain] if is_plain else choices)

    event = {
        "type": one_of(EXTRAS, 1),
        "partition": PARTITION,
        "sequence": sequence if is_plain and rng.random() < 0.9 else rng.choice(SEQUENCES),
        "time": one_of(TIMES, 3),
        "data": {
            "before": one_of(STANDINGS, 3),
            "after": one_of(STANDINGS, 3),
            "revision": one_of(EXTRAS, 1),
        },
    }
    keys = rng.sample(sorted(event), len(event))
    separators = rng.choice(((",", ":"), (", ", ": "), (" ,\n", "\t: ")))
    text = json.dumps(
        {key: event[key] for key in keys}, ensure_ascii=rng.random() < 0.5, separators=separators
    )
    return text.encode()


def _batch(rng: random.Random, values: Sequence[bytes | None]) -> bytes:
    """Return a batch whose checksum is right, but whose header or records may be mutated."""
    compression = rng.choice((*[0] * 16, 1, 2, 3, 4))
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 1 << 20)
    headers = [("content-type", b"application/json"), ("x", None)] if rng.random() < 0.3 else []
    for delta, value in enumerate(values):
        builder.append(delta, 1_700_000_000_000, rng.choice((None, b"", b"key")), value, headers)
    raw = bytearray(builder.build())
    raw[:8] = struct.pack(">q", rng.choice((0, 0, 5, 2**31, 2**63 - 2)))
    kind = rng.randrange(8)
    if kind < 2:
        raw[HEADER_BYTES:], raw[57:61] = _arbitrary_record(rng), struct.pack(">i", 1)
    elif kind < 6:
        raw[HEADER_BYTES:] = _mutated(rng, bytes(raw[HEADER_BYTES:]))
    if rng.random() < 0.2:
        raw[57:61] = struct.pack(">i", rng.choice((-1, 0, 1, len(values) + 1, 2**31 - 1)))
    raw[8:12] = struct.pack(">i", len(raw) - 12)
    raw[17:21] = struct.pack(">I", calc_crc32c(bytes(raw[21:])))
    return bytes(raw)


def _arbitrary_record(rng: random.Random) -> bytes:
    """Return a record of the right size with other content."""
    content = bytes(rng.choice(RECORD_BYTES) for _ in range(rng.randint(1, ARBITRARY_RECORD_BYTES_MAX)))
    return bytes([2 * len(content)]) + content


def _mutated(rng: random.Random, data: bytes) -> bytes:
    for _ in range(rng.randint(1, MUTATIONS_MAX)):
        data = rng.choice(MUTATIONS)(rng, data)
    return data


def _span(rng: random.Random, data: bytes) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((0, 1, 1, 2, 8, 30)))


def _replaced(rng: random.Random, data: bytes) -> bytes:
    start, stop = _span(rng, data)
    return data[:start] + rng.choice(TOKENS) + data[stop:]


def _flipped(rng: random.Random, data: bytes) -> bytes:
    index = rng.randrange(len(data) or 1)
    return data[:index] + bytes([data[index] ^ 1 << rng.randrange(8)]) + data[index + 1 :] if data else data


def _repeated(rng: random.Random, data: bytes) -> bytes:
    start, stop = _span(rng, data)
    return data[:stop] + data[start:]


def _deleted(rng: random.Random, data: bytes) -> bytes:
    start, stop = _span(rng, data)
    return data[:start] + data[stop:]


def _truncated(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randint(0, len(data))]


MUTATIONS: Final[Sequence[Callable[[random.Random, bytes], bytes]]] = (
    _replaced,
    _replaced,
    _flipped,
    _repeated,
    _deleted,
    _truncated,
)

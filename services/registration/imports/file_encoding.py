"""Finds out the encoding of a text file from its bytes."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Final, NamedTuple

BLOCK_BYTES: Final = 1 << 20
SAMPLE_BYTES: Final = 4_096
BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
INVALID: Final = re.compile("[\udc80-\udcff]")
"""What the error handler makes of invalid bytes."""
VALID: Final = re.compile("[^\\x00-\\x7f\udc80-\udcff]")
WINDOWS: Final = "cp1252"
UTF_8: Final = "utf-8-sig"


class Encoding(NamedTuple):
    """A codec, and what it makes of bytes that are invalid in it: characters that row validation refuses."""

    codec: str
    errors: str


def detect_encoding(path: Path) -> Encoding:
    """Return UTF-8, UTF-16 (also without a byte order mark) or Windows-1252.

    A file with invalid UTF-8 is Windows-1252, unless it also has letters in valid UTF-8: then single rows are
    damaged, and they must be rejected instead of being read in another encoding.
    """
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
        for mark, codec in BYTE_ORDER_MARKS:
            if sample.startswith(mark):
                return Encoding(codec, "surrogateescape" if codec == UTF_8 else "replace")
        by_zeros = _utf_16_by_zeros(sample)
        if by_zeros is not None:
            return Encoding(by_zeros, "replace")
        file.seek(0)
        has_valid, has_invalid = False, False
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        while block := file.read(BLOCK_BYTES):
            if block.isascii() and not decoder.getstate()[0]:
                continue
            text = decoder.decode(block)
            has_invalid = has_invalid or INVALID.search(text) is not None
            has_valid = has_valid or VALID.search(text) is not None
        has_invalid = has_invalid or bool(decoder.getstate()[0])
    return Encoding(WINDOWS if has_invalid and not has_valid else UTF_8, "surrogateescape")


def _utf_16_by_zeros(sample: bytes) -> str | None:
    """Return the codec of a text in UTF-16 without a byte order mark: half of its bytes are zero."""
    even, odd = sample[::2], sample[1::2]
    if len(sample) < 8:
        return None
    if odd.count(0) > 0.4 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.4 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    return None

"""Reads the term and number of the newest cut in region-counts, so that a new leader can continue from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from cuts.records import UndecodableRecordError, decode_cut

Version = tuple[int, int]
"""(term, cut)"""

NEWEST_RECORDS: Final = 50


def last_cut(records: Iterable[Any]) -> Version:
    """Return the highest (term, cut) of the newest records; (0, 0) if none of them is decodable."""
    versions = (version for record in records if (version := _version(record.value)) is not None)
    return max(versions, default=(0, 0))


def _version(value: bytes) -> Version | None:
    """Decode the (term, cut) of a record; None if the record is undecodable."""
    try:
        return decode_cut(value).version
    except UndecodableRecordError:
        return None

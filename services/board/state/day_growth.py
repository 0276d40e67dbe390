"""Computes today's growth: the live participants of the shown cut minus those at the start of the day.

The audit publishes the register's counts at the start of each day in the topic `register-days`. So the growth
of the day is the difference of two counts that are checked against the register, and an outage over midnight
moves no registration from one day to the other. The functions do no I/O and read no clock.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

import msgspec

from cuts.records import UndecodableRecordError
from localization.formats import JAKARTA

LAST_SCOPE: Final = "all"
"""The scope whose record the audit sends last."""


class DayRecord(msgspec.Struct, frozen=True):
    """One record of register-days: the live participants of one scope, by region."""

    scope: str
    day: date
    term: int
    epoch: int
    rows: tuple[tuple[str, int], ...]


_decoder = msgspec.json.Decoder(DayRecord)


def decode_day(value: bytes) -> DayRecord:
    """Decode a value of register-days. Raises UndecodableRecordError."""
    try:
        return _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UndecodableRecordError(str(error)) from error


class DayGrowth:
    """Keeps the newest start of a day of each scope."""

    def __init__(self) -> None:
        self._starts: dict[str, tuple[DayRecord, Mapping[str, int]]] = {}

    def add(self, record: DayRecord) -> None:
        """Keep a record, unless a record of a later day or a higher term is known for its scope."""
        known = self._starts.get(record.scope)
        if known and (known[0].day, known[0].term) > (record.day, record.term):
            return
        self._starts[record.scope] = (record, {sys.intern(region): count for region, count in record.rows})

    def today(self, place: tuple[str, str], live: int, epoch: int, now: datetime) -> int | None:
        """Return `live` participants minus those at the start of the day of `now`. `place`: scope and region.

        `epoch` is the register's epoch of the shown cut. None if the start of this day and epoch is unknown.
        """
        scope, region = place
        current = (now.astimezone(JAKARTA).date(), epoch)
        if self._current(LAST_SCOPE) != current:
            return None
        counts = self._starts[scope][1] if self._current(scope) == current else {}
        return live - counts.get(region, 0)

    def _current(self, scope: str) -> tuple[date, int] | None:
        start = self._starts.get(scope)
        return (start[0].day, start[0].epoch) if start else None

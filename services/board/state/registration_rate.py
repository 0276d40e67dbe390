"""Keeps the growth of live participants per minute.

The functions do no I/O and read no clock. Minutes follow the register's clock.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from cuts.records import UndecodableRecordError

MINUTE: Final = timedelta(minutes=1)
KEPT: Final = timedelta(hours=49)
"""This covers today, yesterday and one hour for clock differences. The topic keeps 48 hours."""
LAST_SCOPE: Final = "all"
"""The scope that has a record of every minute, sent after those of the other scopes."""


class KeptCut(msgspec.Struct, frozen=True):
    """The cut that was newest when a minute ended."""

    cut: str


class MinuteRecord(msgspec.Struct, frozen=True):
    """One record of region-minutes: the growth of live participants in one scope and minute, by region.

    Growth is the difference of the counts of two cuts, so it is negative after withdrawals. Records of the
    version that counted growth by event have neither `late` nor `to`.
    """

    scope: str
    minute: datetime
    term: int
    rows: tuple[tuple[str, int], ...]
    late: bool = False
    """Whether the growth can include registrations that were accepted before this minute."""
    upto: KeptCut | None = msgspec.field(default=None, name="to")


_decoder = msgspec.json.Decoder(MinuteRecord)


def decode_minute(value: bytes) -> MinuteRecord:
    """Decode a value of region-minutes. Raises UndecodableRecordError."""
    try:
        record = _decoder.decode(value)
        return msgspec.structs.replace(record, minute=record.minute.astimezone(UTC))
    except (msgspec.MsgspecError, ValueError) as error:
        raise UndecodableRecordError(str(error)) from error


class RegistrationRate:
    """Keeps the growth per minute of the last two days.

    If several records describe the same minute, the record with the highest term is used.
    """

    def __init__(self) -> None:
        self._growth: dict[str, dict[datetime, tuple[int, Mapping[str, int]]]] = {}
        """For each scope and minute, the term of the record and the growth by region."""
        self._late: set[datetime] = set()
        self._whole: dict[datetime, str | None] = {}
        """The minutes of which all scopes were read, each with the cut kept at its end, if it is named."""
        self._newest: datetime | None = None

    def add(self, record: MinuteRecord) -> None:
        """Add a record. It replaces a record of the same scope and minute unless its term is lower."""
        minutes = self._growth.setdefault(record.scope, {})
        known = minutes.get(record.minute)
        if known and known[0] > record.term:
            return
        # The same few region codes come every minute. Interning saves the memory of the repeated strings.
        minutes[record.minute] = (record.term, {sys.intern(region): n for region, n in record.rows})
        if record.late:
            self._late.add(record.minute)
        if record.scope == LAST_SCOPE:
            self._whole[record.minute] = record.upto.cut if record.upto else None
        if self._newest is None or record.minute > self._newest:
            self._newest = record.minute
            self._delete_before(record.minute - KEPT)

    def series(self, scope: str, region: str, now: datetime, count: int) -> list[tuple[datetime, int]]:
        """Return the growth in each of the last `count` whole minutes, oldest first.

        The last minute is the one before `now`, or the minute before that while its record is on its way.
        """
        last = _minute(now) - MINUTE
        if self._newest == last - MINUTE:
            last = self._newest
        return [
            (minute, self._growth_in(scope, minute, region))
            for minute in (last - MINUTE * back for back in range(count - 1, -1, -1))
        ]

    def recent(self, scope: str, region: str, now: datetime, count: int) -> list[tuple[datetime, int]]:
        """Return the end of the series of `count` minutes that can be compared: whole and not counted late.

        If a minute is missing or was counted late, only the minutes after it are returned.
        """
        found: list[tuple[datetime, int]] = []
        for minute, growth in reversed(self.series(scope, region, now, count)):
            if minute not in self._whole or minute in self._late:
                break
            found.append((minute, growth))
        return found[::-1]

    def cut_at(self, minute: datetime) -> str | None:
        """Return the cut kept at the end of a minute; None if it is unknown."""
        return self._whole.get(minute)

    def late_minutes(self, series: Iterable[tuple[datetime, int]]) -> list[datetime]:
        """Return the minutes of a series whose growth can include earlier registrations."""
        return [minute for minute, _ in series if minute in self._late]

    @property
    def newest(self) -> datetime | None:
        """The newest minute of all scopes; None before the first record."""
        return self._newest

    def _growth_in(self, scope: str, minute: datetime, region: str) -> int:
        entry = self._growth.get(scope, {}).get(minute)
        return entry[1].get(region, 0) if entry else 0

    def _delete_before(self, oldest: datetime) -> None:
        self._late = {minute for minute in self._late if minute >= oldest}
        self._whole = {minute: cut for minute, cut in self._whole.items() if minute >= oldest}
        for scope, minutes in list(self._growth.items()):
            for minute in [minute for minute in minutes if minute < oldest]:
                del minutes[minute]
            if not minutes:
                del self._growth[scope]


def _minute(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)

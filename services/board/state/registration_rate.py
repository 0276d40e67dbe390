"""Computes the growth of registrations per minute, and forecasts when a threshold is reached.

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
PACE_MINUTES: Final = 15
"""The pace is the mean over this many whole minutes, so that no single minute determines it."""
MINUTES_SHOWN: Final = 60
"""The page shows the growth in each of the last MINUTES_SHOWN minutes."""
FORECAST_MAX: Final = timedelta(days=366)


class MinuteRecord(msgspec.Struct, frozen=True):
    """One record of region-minutes: the growth of live participants in one scope and minute, by region.

    Growth is the difference of the counts of two cuts, so it is negative after withdrawals. Records of the
    version that counted growth by event have no `late`.
    """

    scope: str
    minute: datetime
    term: int
    rows: tuple[tuple[str, int], ...]
    late: bool = False
    """Whether the growth can include registrations that were accepted before this minute."""


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

    def per_minute(self, scope: str, region: str, now: datetime) -> float:
        """Return the pace, which is the mean growth per minute in the last PACE_MINUTES whole minutes."""
        whole = self.series(scope, region, now, PACE_MINUTES)
        return sum(growth for _, growth in whole) / PACE_MINUTES

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
        for scope, minutes in list(self._growth.items()):
            for minute in [minute for minute in minutes if minute < oldest]:
                del minutes[minute]
            if not minutes:
                del self._growth[scope]


def next_threshold(count: int, target: int | None) -> int:
    """Return the target if the count is below it, else the next round number above the count.

    Round numbers: 300,000 follows 281,812, and 40,000 follows 31,102.
    """
    if target is not None and count < target:
        return target
    step: int = 10 ** max(1, len(str(count)) - 1)
    return (count // step + 1) * step


def forecast(count: int, threshold: int, per_minute: float, now: datetime) -> datetime | None:
    """Return the time at which `count`, growing by `per_minute`, will reach `threshold`.

    None if the count does not grow, or would take longer than FORECAST_MAX.
    """
    if per_minute <= 0:
        return None
    minutes = (threshold - count) / per_minute
    if minutes > FORECAST_MAX / MINUTE:
        return None
    return now + timedelta(minutes=minutes)


def _minute(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)

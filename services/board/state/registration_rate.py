"""How fast registrations come in: growth per minute and since midnight, and when a threshold will be reached.

Pure. Minutes are counted by the register's clock; a day ends at midnight in Jakarta (UTC+7, no summer time).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import msgspec

from cuts.records import UndecodableRecordError

JAKARTA: Final = timezone(timedelta(hours=7), "WIB")
MINUTE: Final = timedelta(minutes=1)
KEPT: Final = timedelta(hours=49)
"""Today, yesterday, and one hour for clock differences; the topic itself keeps 48 hours."""
PACE_MINUTES: Final = 15
"""The pace is the mean of this many whole minutes, so that it shows a busy period and not one burst."""
FORECAST_MAX: Final = timedelta(days=366)


class MinuteRecord(msgspec.Struct, frozen=True):
    """One record of region-minutes: the growth of `registered` in one scope and minute, by region."""

    scope: str
    minute: datetime
    term: int
    rows: tuple[tuple[str, int], ...]


_decoder = msgspec.json.Decoder(MinuteRecord)


def decode_minute(value: bytes) -> MinuteRecord:
    """Decode a value of region-minutes. Raises UndecodableRecordError."""
    try:
        record = _decoder.decode(value)
        return msgspec.structs.replace(record, minute=record.minute.astimezone(UTC))
    except (msgspec.MsgspecError, ValueError) as error:
        raise UndecodableRecordError(str(error)) from error


class RegistrationRate:
    """The growth per minute of the last two days. The record with the highest term decides each minute."""

    def __init__(self) -> None:
        self._growth: dict[str, dict[datetime, tuple[int, Mapping[str, int]]]] = {}
        """By scope and minute: the term of the record, and the growth by region."""
        self._newest: datetime | None = None

    def add(self, record: MinuteRecord) -> None:
        """Add a record, or replace the one of the same scope and minute; ignore a lower term."""
        minutes = self._growth.setdefault(record.scope, {})
        known = minutes.get(record.minute)
        if known and known[0] > record.term:
            return
        # The same few region codes come every minute: interned, each costs one reference instead of a string.
        minutes[record.minute] = (record.term, {sys.intern(region): n for region, n in record.rows})
        if self._newest is None or record.minute > self._newest:
            self._newest = record.minute
            self._delete_before(record.minute - KEPT)

    def series(self, scope: str, region: str, now: datetime, count: int) -> list[tuple[datetime, int]]:
        """Growth of each of the last `count` minutes, oldest first; the last minute contains `now`."""
        last = _minute(now)
        return [
            (minute, self._growth_in(scope, minute, region))
            for minute in (last - MINUTE * back for back in range(count - 1, -1, -1))
        ]

    def growth_today(self, scope: str, region: str, now: datetime) -> int:
        """Growth since midnight in Jakarta."""
        midnight = now.astimezone(JAKARTA).replace(hour=0, minute=0, second=0, microsecond=0)
        minutes = self._growth.get(scope, {})
        return sum(entry[1].get(region, 0) for minute, entry in minutes.items() if midnight <= minute <= now)

    def per_minute(self, scope: str, region: str, now: datetime) -> float:
        """The pace: the mean growth of the last PACE_MINUTES whole minutes."""
        whole = self.series(scope, region, _minute(now) - MINUTE, PACE_MINUTES)
        return sum(growth for _, growth in whole) / PACE_MINUTES

    @property
    def newest(self) -> datetime | None:
        """The newest minute of any scope; None before the first record."""
        return self._newest

    def _growth_in(self, scope: str, minute: datetime, region: str) -> int:
        entry = self._growth.get(scope, {}).get(minute)
        return entry[1].get(region, 0) if entry else 0

    def _delete_before(self, oldest: datetime) -> None:
        for scope, minutes in list(self._growth.items()):
            for minute in [minute for minute in minutes if minute < oldest]:
                del minutes[minute]
            if not minutes:
                del self._growth[scope]


def next_threshold(count: int, target: int | None) -> int:
    """The target until it is reached, then the next round number: 281,812 → 300,000; 31,102 → 40,000."""
    if target is not None and count < target:
        return target
    step: int = 10 ** max(1, len(str(count)) - 1)
    return (count // step + 1) * step


def forecast(count: int, threshold: int, per_minute: float, now: datetime) -> datetime | None:
    """When `threshold` will be reached at this pace; None if not within FORECAST_MAX."""
    if per_minute <= 0:
        return None
    minutes = (threshold - count) / per_minute
    if minutes > FORECAST_MAX / MINUTE:
        return None
    return now + timedelta(minutes=minutes)


def _minute(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)

"""How fast registrations come in: growth per minute, today's, and when the next threshold will be reached.

Pure. Minutes are those of the register's time; days end at 24.00 in Jakarta (UTC+7, no summer time).
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
"""Today, yesterday, and an hour for clocks; the topic itself forgets after 48 hours."""
PACE_MINUTES: Final = 15
"""The pace is the mean of so many whole minutes: an act on stage shows, one burst does not."""
AHEAD_MAX: Final = timedelta(days=366)


class MinuteRecord(msgspec.Struct, frozen=True):
    """One record of region-minutes: a scope's growth of `registered` in one minute, by region."""

    scope: str
    minute: datetime
    term: int
    rows: tuple[tuple[str, int], ...]


_decoder = msgspec.json.Decoder(MinuteRecord)


def decode_minute(value: bytes) -> MinuteRecord:
    """Read a value of region-minutes. Raises UndecodableRecordError."""
    try:
        record = _decoder.decode(value)
        return msgspec.structs.replace(record, minute=record.minute.astimezone(UTC))
    except (msgspec.MsgspecError, ValueError) as error:
        raise UndecodableRecordError(str(error)) from error


class RegistrationRate:
    """The growth of the last two days. Per scope and minute the newest record of the highest term holds."""

    def __init__(self) -> None:
        self._growth: dict[str, dict[datetime, tuple[int, Mapping[str, int]]]] = {}
        self._newest: datetime | None = None

    def take(self, record: MinuteRecord) -> None:
        """Take a record; one of a lower term than the one held is ignored."""
        minutes = self._growth.setdefault(record.scope, {})
        held = minutes.get(record.minute)
        if held and held[0] > record.term:
            return
        # Region codes are few and repeat every minute: interned, they cost a reference.
        minutes[record.minute] = (record.term, {sys.intern(region): n for region, n in record.rows})
        if self._newest is None or record.minute > self._newest:
            self._newest = record.minute
            self._forget(record.minute - KEPT)

    def series(self, scope: str, region: str, now: datetime, count: int) -> list[tuple[datetime, int]]:
        """Growth of the last `count` minutes up to the one `now` lies in, oldest first."""
        last = _minute(now)
        return [
            (minute, self._at(scope, minute, region))
            for minute in (last - MINUTE * back for back in range(count - 1, -1, -1))
        ]

    def today(self, scope: str, region: str, now: datetime) -> int:
        """Growth since midnight in Jakarta."""
        midnight = now.astimezone(JAKARTA).replace(hour=0, minute=0, second=0, microsecond=0)
        minutes = self._growth.get(scope, {})
        return sum(held[1].get(region, 0) for minute, held in minutes.items() if midnight <= minute <= now)

    def per_minute(self, scope: str, region: str, now: datetime) -> float:
        """The mean of the last PACE_MINUTES whole minutes."""
        whole = self.series(scope, region, _minute(now) - MINUTE, PACE_MINUTES)
        return sum(growth for _, growth in whole) / PACE_MINUTES

    @property
    def newest(self) -> datetime | None:
        """The newest minute of any scope."""
        return self._newest

    def _at(self, scope: str, minute: datetime, region: str) -> int:
        held = self._growth.get(scope, {}).get(minute)
        return held[1].get(region, 0) if held else 0

    def _forget(self, before: datetime) -> None:
        for scope, minutes in list(self._growth.items()):
            for minute in [minute for minute in minutes if minute < before]:
                del minutes[minute]
            if not minutes:
                del self._growth[scope]


def next_threshold(value: int, target: int | None) -> int:
    """The target while it is ahead, else the next round number: 281,812 → 300,000; 31,102 → 40,000."""
    if target is not None and value < target:
        return target
    step: int = 10 ** max(1, len(str(value)) - 1)
    return (value // step + 1) * step


def reached_at(value: int, threshold: int, per_minute: float, now: datetime) -> datetime | None:
    """When the threshold is reached at this pace; None: not within a year."""
    if per_minute <= 0:
        return None
    minutes = (threshold - value) / per_minute
    if minutes > AHEAD_MAX / MINUTE:
        return None
    return now + timedelta(minutes=minutes)


def _minute(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)

"""The formats of numbers, shares, dates and times in Indonesian and English; all times are Jakarta's.

The scripts of the board's page format numbers in the same way (`board/web/static/formats.js`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Final

LANGUAGES: Final = ("id", "en")
JAKARTA: Final = timezone(timedelta(hours=7), "WIB")
HALF_A_MINUTE: Final = timedelta(seconds=30)

MONTHS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": (
        *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
        *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}

UNITS_S: Final = (86_400, 3_600, 60, 1)
UNIT_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("hari", "jam", "menit", "detik"),
    "en": ("d", "h", "min", "s"),
}


def number(value: int, language: str) -> str:
    """Return a number as text: 281.812 in Indonesian, 281,812 in English."""
    return f"{value:,}".replace(",", ".") if language == "id" else f"{value:,}"


def signed(value: int, language: str) -> str:
    """Return a number with its sign as text: +1.840 in Indonesian, +1,840 in English."""
    return ("+" if value >= 0 else "−") + number(abs(value), language)


def share(part: float, whole: float, places: int, language: str) -> str:
    """Return `part` ÷ `whole` in percent as text, truncated to `places` decimals.

    The share is not rounded, because rounding up would turn 99,96 % into 100 %. If `part` is negative or
    `whole` is 0, the share is 0 %.
    """
    # Binary fractions can be slightly too low: 0.57 * 100 is below 57 and would be truncated to 56. The 1e-9
    # compensates for this.
    scaled = int(max(part, 0) * 100 * 10**places / whole + 1e-9) if whole else 0
    digits, rest = divmod(scaled, 10**places)
    decimals = f"{rest:0{places}d}".rstrip("0")
    text = number(digits, language) + (("," if language == "id" else ".") + decimals if decimals else "")
    return f"{text} %" if language == "id" else f"{text}%"


def date_of(time: datetime, language: str) -> str:
    """Return the date in Jakarta as text: 24 Oktober 2021, or 24 October 2021."""
    local = time.astimezone(JAKARTA)
    return f"{local.day} {MONTHS[language][local.month - 1]} {local.year}"


def clock_of(time: datetime, language: str, *, seconds: bool = True) -> str:
    """Return the time of day in Jakarta as text: 19.05.01 WIB in Indonesian, 19:05:01 WIB in English."""
    local = time.astimezone(JAKARTA)
    text = local.strftime("%H:%M:%S" if seconds else "%H:%M")
    return (text.replace(":", ".") if language == "id" else text) + " WIB"


def moment(time: datetime, now: datetime, language: str) -> str:
    """Return the time of day without seconds. If its date is not the date of `now`, the date comes first."""
    clock = clock_of(time, language, seconds=False)
    same_day = time.astimezone(JAKARTA).date() == now.astimezone(JAKARTA).date()
    return clock if same_day else f"{date_of(time, language)}, {clock}"


def span(begin: datetime, end: datetime, language: str) -> str:
    """Return two times to the nearest minute: 19.20–19.35 WIB, or 19.20 WIB if they are the same.

    If the dates differ, the second time has its date.
    """
    begin, end = begin + HALF_A_MINUTE, end + HALF_A_MINUTE
    clock, last = clock_of(begin, language, seconds=False), moment(end, begin, language)
    return last if last == clock else f"{clock.removesuffix(' WIB')}–{last}"


def duration(seconds: float, language: str) -> str:
    """Return a duration in its largest whole unit: 3 menit, or 3 min."""
    for length_s, unit in zip(UNITS_S, UNIT_NAMES[language], strict=True):
        if seconds >= length_s:
            return f"{int(seconds // length_s)} {unit}"
    return f"0 {UNIT_NAMES[language][-1]}"


def dated_moment(time: datetime, language: str) -> str:
    """Return date and time of day: 21 Oktober 2021 19.05 WIB, or 21 October 2021, 19:05 WIB (UTC+7)."""
    date, clock = date_of(time, language), clock_of(time, language, seconds=False)
    return f"{date} {clock}" if language == "id" else f"{date}, {clock} (UTC+7)"

"""What a NIK, the national identity number, may look like.

Sixteen digits: six for the region of first issue, six for the date of birth (a woman's day is raised by 40),
four for a serial. There is no check digit. The region tells where the number was issued, not where its bearer
lives, and lists of it are never complete: none is refused, nor is serial 0000 or the region 31.99 of made-up
numbers. Source: Government Regulation 37/2007, article 37.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

DIGITS: Final = 16
WOMENS_DAY_OFFSET: Final = 40
# February has 29 days in years that divide by 4, 00 too: two digits may mean 2000, a leap year.
DAYS_IN_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class NikFault(StrEnum):
    """Why a text is no NIK."""

    DIGITS = "nik_digits"
    DATE = "nik_date"


def fault(nik: str) -> NikFault | None:
    """What is wrong with a NIK, or None where nothing is."""
    if len(nik) != DIGITS or not (nik.isascii() and nik.isdigit()):
        return NikFault.DIGITS
    if not possible_date(int(nik[6:8]), int(nik[8:10]), int(nik[10:12])):
        return NikFault.DATE
    return None


def possible_date(day: int, month: int, year: int) -> bool:
    """Whether the six digits of a date of birth name a day that was on a calendar."""
    if day > WOMENS_DAY_OFFSET:
        day -= WOMENS_DAY_OFFSET
    if not 1 <= month <= len(DAYS_IN_MONTH):
        return False
    if month == 2 and day == 29:
        return year % 4 == 0
    return 1 <= day <= DAYS_IN_MONTH[month - 1]


def masked(nik: str) -> str:
    """A NIK as it may be shown: the first and the last four digits."""
    return f"{nik[:4]}{'*' * (DIGITS - 8)}{nik[-4:]}"

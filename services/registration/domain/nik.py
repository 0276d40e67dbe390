"""Validates and masks a NIK, the Indonesian national identity number.

Sixteen digits: six for the region of first issue, six for the date of birth (a woman's day is raised by 40),
four for a serial. There is no check digit. The region is where the number was issued, not where the holder
lives, and no list of such regions is complete. So any region is accepted, also 31.99, which only invented
numbers have, and any serial, also 0000. Source: Government Regulation 37/2007, article 37.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

DIGITS: Final = 16
WOMENS_DAY_OFFSET: Final = 40
# February has 29 days if the two-digit year is divisible by 4. This includes 00: it may be 2000, a leap year.
DAYS_IN_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class NikFault(StrEnum):
    """Why a text is not a valid NIK."""

    DIGITS = "nik_digits"
    DATE = "nik_date"


def fault(nik: str) -> NikFault | None:
    """Return what is wrong with a NIK, None if it is valid."""
    if len(nik) != DIGITS or not (nik.isascii() and nik.isdigit()):
        return NikFault.DIGITS
    if not is_possible_date(int(nik[6:8]), int(nik[8:10]), int(nik[10:12])):
        return NikFault.DATE
    return None


def is_possible_date(day: int, month: int, year: int) -> bool:
    """Whether the six digits of a date of birth are a date of the years 1900 to 2099."""
    if day > WOMENS_DAY_OFFSET:
        day -= WOMENS_DAY_OFFSET
    if not 1 <= month <= len(DAYS_IN_MONTH):
        return False
    if month == 2 and day == 29:
        return year % 4 == 0
    return 1 <= day <= DAYS_IN_MONTH[month - 1]


def mask(nik: str) -> str:
    """Replace all but the first and last four digits by asterisks, for display."""
    return f"{nik[:4]}{'*' * (DIGITS - 8)}{nik[-4:]}"

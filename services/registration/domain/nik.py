"""Validates and masks a NIK, the Indonesian national identity number.

A NIK has sixteen digits: six for the region that first issued it, six for the date of birth (for a woman the
day is raised by 40), and four for a serial number. It has no check digit. The holder may live elsewhere than
in the issuing region, and no list of issuing regions is complete. So every region of a known province is
accepted, even 31.99, which only invented numbers have. Every serial number is accepted too, even 0000.
Sources: Government Regulation 37/2007, article 37; the codes of provinces of the Home Ministry, with those
of the statistics office for provinces that were renumbered or left the republic.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from registration.domain.written_text import digits_as_text

DIGITS: Final = 16
LENGTH_MAX: Final = 64
"""The longest text that can be a NIK with separators."""
SEPARATORS: Final = str.maketrans("", "", " .-\u00a0\u2010\u2011\u2012\u2013")
PROVINCES: Final = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "16",
        "17",
        "18",
        "19",
        "21",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "72",
        "73",
        "74",
        "75",
        "76",
        "81",
        "82",
        "91",
        "92",
        "93",
        "94",
        "95",
        "96",
    ]
)
ASCENDING: Final = "0123456789" * 3
WOMENS_DAY_OFFSET: Final = 40
# February has 29 days if the two-digit year is divisible by 4. The year 00 is included, because it may mean
# 2000, which was a leap year.
DAYS_IN_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class NikFault(StrEnum):
    """Why a text is not a valid NIK."""

    DIGITS = "nik_digits"
    FILLER = "nik_filler"
    PROVINCE = "nik_province"
    DATE = "nik_date"


def normalize(text: str) -> str:
    """Remove what people and spreadsheets write around and between the digits of a NIK."""
    return text if text.isdigit() else digits_as_text(text[:LENGTH_MAX]).translate(SEPARATORS)


def fault(nik: str) -> NikFault | None:
    """Return what is wrong with a normalised NIK, None if it is valid."""
    if len(nik) != DIGITS or not (nik.isascii() and nik.isdigit()):
        return NikFault.DIGITS
    if nik[2:] == nik[:-2] or nik in ASCENDING:
        return NikFault.FILLER
    if nik[:2] not in PROVINCES:
        return NikFault.PROVINCE
    if not is_possible_date(int(nik[6:8]), int(nik[8:10]), int(nik[10:12])):
        return NikFault.DATE
    return None


def is_possible_date(day: int, month: int, year: int) -> bool:
    """Return whether a NIK's day, month and two-digit year are a date between 1900 and 2099."""
    if day > WOMENS_DAY_OFFSET:
        day -= WOMENS_DAY_OFFSET
    if not 1 <= month <= len(DAYS_IN_MONTH):
        return False
    if month == 2 and day == 29:
        return year % 4 == 0
    return 1 <= day <= DAYS_IN_MONTH[month - 1]


def mask(nik: str) -> str:
    """Replace the eight digits in the middle of a NIK by asterisks, for display."""
    return f"{nik[:4]}{'*' * (DIGITS - 8)}{nik[-4:]}"

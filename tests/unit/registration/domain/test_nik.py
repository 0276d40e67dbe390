import string
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.nik import NikFault, fault, mask

DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31))
REGIONS = st.text("0123456789", min_size=6, max_size=6)
SERIALS = st.text("0123456789", min_size=4, max_size=4)


def _nik(region: str, day: date, woman: bool, serial: str) -> str:
    return f"{region}{day.day + 40 * woman:02d}{day:%m%y}{serial}"


@given(REGIONS, DAYS, st.booleans(), SERIALS)
def test_every_date_is_valid_with_any_region_of_issue(
    region: str, day: date, woman: bool, serial: str
) -> None:
    assert fault(_nik(region, day, woman, serial)) is None


@given(st.text(string.digits + "٣x ", max_size=18).filter(lambda text: len(text) != 16 or not text.isascii()))
def test_anything_but_sixteen_digits_is_invalid(text: str) -> None:
    assert fault(text) is NikFault.DIGITS


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_a_date_of_birth_is_valid_exactly_if_it_exists_in_either_century(
    day: int, month: int, year: int
) -> None:
    born = day - 40 if day > 40 else day
    exists = any(_exists(century + year, month, born) for century in (1900, 2000))

    assert (fault(f"319901{day:02d}{month:02d}{year:02d}0000") is None) == exists


def _exists(year: int, month: int, day: int) -> bool:
    try:
        return date(year, month, day) + timedelta() == date(year, month, day)
    except ValueError:
        return False


@pytest.mark.parametrize(
    "nik", ["3199014101900000", "3171010101010000", "9999992902000001", "0000007112990001"]
)
def test_serial_0000_and_unknown_regions_of_issue_are_accepted(nik: str) -> None:
    assert fault(nik) is None


def test_a_masked_nik_shows_no_date_of_birth() -> None:
    assert mask("3199014101900042") == "3199********0042"

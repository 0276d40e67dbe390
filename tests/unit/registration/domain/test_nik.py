import string
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.nik import PROVINCES, NikFault, fault, mask, normalize

DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31))
REGIONS = st.builds(
    str.__add__, st.sampled_from(sorted(PROVINCES)), st.text("0123456789", min_size=4, max_size=4)
)
SERIALS = st.text("0123456789", min_size=4, max_size=4)


def _nik(region: str, day: date, woman: bool, serial: str) -> str:
    return f"{region}{day.day + 40 * woman:02d}{day:%m%y}{serial}"


@given(REGIONS, DAYS, st.booleans(), SERIALS)
def test_every_date_is_valid_with_any_region_of_a_known_province(
    region: str, day: date, woman: bool, serial: str
) -> None:
    nik = _nik(region, day, woman, serial)

    assert fault(nik) is None or is_filler(nik)


def is_filler(nik: str) -> bool:
    return nik == nik[:2] * 8 or nik in "0123456789" * 3


@pytest.mark.parametrize(
    "nik",
    ["1111111111111111", "1010101010101010", "1212121212121212", "1234567890123456", "0000000000000000"],
)
def test_a_series_of_filler_digits_is_no_nik(nik: str) -> None:
    assert fault(nik) is NikFault.FILLER


@pytest.mark.parametrize("nik", ["9999992902000001", "0000007112990001", "2099014101900001"])
def test_a_province_that_never_existed_is_refused(nik: str) -> None:
    assert fault(nik) is NikFault.PROVINCE


@pytest.mark.parametrize(
    "text",
    [
        "3199351111880094",
        "'3199351111880094",
        '="3199351111880094"',
        "31.9935.111188.0094",
        "3199 3511 1188 0094",
        "3199-3511-1188-0094",
        "\u200b3199351111880094\ufeff",
        "3199351111880094.0",
        " 3199\u00a035111188 0094 ",
    ],
)
def test_a_nik_is_read_as_people_and_spreadsheets_write_it(text: str) -> None:
    assert normalize(text) == "3199351111880094"


@pytest.mark.parametrize("text", ["3,19935E+15", "3199351111880094 Ani", "NIK 3199351111880094", "x" * 1_000])
def test_text_beside_the_digits_makes_a_nik_invalid(text: str) -> None:
    assert fault(normalize(text)) is NikFault.DIGITS


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
    "nik", ["3199014101900000", "3171010101010000", "9199992902000001", "5400007112990001"]
)
def test_serial_0000_and_unknown_regions_of_a_known_province_are_accepted(nik: str) -> None:
    assert fault(nik) is None


def test_a_masked_nik_shows_no_date_of_birth() -> None:
    assert mask("3199014101900042") == "3199********0042"

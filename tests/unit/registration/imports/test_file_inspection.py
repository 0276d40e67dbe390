from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.imports.file_faults import HoldReason
from registration.imports.file_inspection import are_last_digits_lost, inspect_file

HEADING = "name,nik,region,consent,phone"


def write(folder: Path, niks: list[str], phone: str = "") -> Path:
    path = folder / "people.csv"
    rows = [f"Orang,{nik},31.71.01.1001,2026-01,{phone}" for nik in niks]
    path.write_text("\n".join(["Daftar peserta", HEADING, *rows]) + "\n")
    return path


def niks(count: int, zeros: int) -> list[str]:
    return [f"3199504101900{number:02d}{0 if number < zeros else 7}" for number in range(count)]


@pytest.mark.parametrize(
    ("count", "zeros", "hold"),
    [
        (5, 5, HoldReason.LAST_DIGITS_LOST),
        (4, 4, None),
        (19, 18, None),
        (20, 12, None),
        (20, 13, HoldReason.LAST_DIGITS_LOST),
        (5, 0, None),
    ],
)
def test_a_file_whose_niks_lost_their_last_digit_is_held(
    tmp_path: Path, count: int, zeros: int, hold: HoldReason | None
) -> None:
    path = write(tmp_path, niks(count, zeros))

    inspection = inspect_file(path)

    assert (inspection.hold, inspection.lines, inspection.header.line) == (hold, count + 2, 2)


@pytest.mark.parametrize("nik", ["3,19935E+15", "3.19935e15", "3E+15", " 3,2E+15 "])
def test_one_nik_in_scientific_notation_holds_the_file(tmp_path: Path, nik: str) -> None:
    path = write(tmp_path, ["3199504101900007"])
    path.write_text(path.read_text() + f'Orang,"{nik}",31.71.01.1001,2026-01,\n')

    assert inspect_file(path).hold is HoldReason.SCIENTIFIC_NOTATION


def test_a_phone_number_in_scientific_notation_holds_the_file(tmp_path: Path) -> None:
    assert inspect_file(write(tmp_path, ["3199504101900007"], "6.28123E+12")).hold is not None


def test_rows_that_cannot_be_read_do_not_count(tmp_path: Path) -> None:
    path = write(tmp_path, ["3199504101900000"] * 5)
    path.write_text(path.read_text() + '"Orang\n\nOrang\nOrang,12345,,,\n')

    assert inspect_file(path).hold is HoldReason.LAST_DIGITS_LOST


@given(st.integers(0, 40), st.integers(0, 40))
def test_more_zeros_never_release_a_file(count: int, zeros: int) -> None:
    zeros = min(zeros, count)

    if are_last_digits_lost(count, zeros):
        assert all(are_last_digits_lost(count, more) for more in range(zeros, count + 1))
        assert zeros > 0.6 * count

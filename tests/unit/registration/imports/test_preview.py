from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.imports.file_inspection import inspect_file
from registration.imports.preview import first_rows, masked


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("Siti Contoh", "S*** C*****"),
        ("3199014101900021", "3199**********21"),
        ("'3199 0141 0190 0021", "3199**********21"),
        ("+6281234567801", "+628********01"),
        ("0812-3456-7801", "0812******01"),
        ("12345", "1****"),
        ("", ""),
    ],
)
def test_personal_data_are_masked(cell: str, shown: str) -> None:
    assert masked(cell) == shown


@given(st.text(min_size=1))
def test_no_more_than_six_characters_of_a_word_are_shown(cell: str) -> None:
    for word in masked(cell).split():
        assert len(word.replace("*", "")) <= 6


def test_the_first_rows_show_only_columns_without_personal_data(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        "Daftar\n\nname,nik,region,consent,Alamat\n\nSiti,3199014101900021,3171011001,2026-01,Jalan 1\n"
        "Siti,31.71.01.1001,3199014101900021,2026-01,Jalan 1\nSiti,3199014101900021\n"
    )

    rows = first_rows(path, inspect_file(path, ["alamat"]).header)

    assert rows == [
        ["S***", "3199**********21", "3171011001", "2026-01", "J**** 1"],
        ["S***", "3171****01", "3199**********21", "2026-01", "J**** 1"],
        ["S***", "3199**********21"],
    ]

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.imports.column_validation import REQUIRED
from registration.imports.csv_reader import (
    FileFault,
    Header,
    Row,
    UnusableFileError,
    chunks,
    open_csv,
    read_header,
    rows,
)

CELLS = st.text(st.sampled_from('a,;"\n é'), max_size=4)
TABLES = st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5)


@given(TABLES, st.sampled_from(",;"))
def test_written_rows_are_read_back_with_their_spreadsheet_numbers(
    table: list[list[str]], separator: str
) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=separator).writerows(table)

    read = list(rows(io.StringIO(file.getvalue(), newline=""), separator))

    assert read == [Row(number, cells) for number, cells in enumerate(table, 2) if any(cells)]


@given(st.integers(0, 12), st.integers(1, 5), st.integers(0, 14))
def test_chunks_contain_every_row_after_the_last_written_row_in_order(
    count: int, rows_max: int, after: int
) -> None:
    numbered = [Row(number, ["x"]) for number in range(2, count + 2)]

    found = list(chunks(iter(numbered), after, rows_max))

    assert [row for chunk in found for row in chunk] == [row for row in numbered if row.number > after]
    assert all(1 <= len(chunk) <= rows_max for chunk in found)


def test_a_header_may_have_any_order_and_case_and_either_separator() -> None:
    assert read_header(io.StringIO("NIK, Name,region,CONSENT\n")) == Header(
        ("nik", "name", "region", "consent"), ","
    )
    assert read_header(io.StringIO("nik;name;region;consent;steps\n")).separator == ";"


def test_a_byte_order_mark_is_not_part_of_the_first_column(tmp_path: Path) -> None:
    path = tmp_path / "bom.csv"
    path.write_bytes(b"\xef\xbb\xbf" + ",".join(REQUIRED).encode() + b"\r\n")

    with open_csv(path) as lines:
        assert read_header(lines).columns == REQUIRED


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", FileFault.EMPTY),
        (" \n", FileFault.EMPTY),
        ("nik,name,region\n", FileFault.COLUMN_MISSING),
        ("nik,name,region,consent,alamat\n", FileFault.COLUMN_UNKNOWN),
        ("nik,name,region,consent,nik\n", FileFault.COLUMN_TWICE),
        ("nik,n\udcffme,region,consent\n", FileFault.NOT_UTF8),
    ],
)
def test_a_file_with_an_invalid_header_is_refused_as_a_whole(text: str, fault: FileFault) -> None:
    with pytest.raises(UnusableFileError) as refused:
        read_header(io.StringIO(text))

    assert refused.value.fault is fault


def test_an_unclosed_quote_loses_only_the_rows_up_to_the_cell_limit() -> None:
    text = 'a,"open\n' + "b,c\n" * 4_000

    read = list(rows(io.StringIO(text, newline=""), ","))

    assert read[0].cells is None
    assert sum(row.cells == ["b", "c"] for row in read) > 1_000

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.imports.column_validation import REQUIRED
from registration.imports.csv_reader import (
    CHUNK_CHARACTERS_MAX,
    LINE_CHARACTERS_MAX,
    Header,
    Row,
    chunks,
    open_csv,
    read_header,
    rows,
)
from registration.imports.file_encoding import detect_encoding
from registration.imports.file_faults import FileFault, UnusableFileError
from registration.imports.heading_names import IGNORED, UNNAMED

CELLS = st.text(st.sampled_from('a,;"é'), max_size=4)
TABLES = st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=5)
SEPARATORS = st.sampled_from(",;\t|")


def header_of(separator: str) -> Header:
    return Header(REQUIRED, separator)


@given(TABLES, SEPARATORS)
def test_written_rows_are_read_back_with_their_line_numbers(table: list[list[str]], separator: str) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=separator).writerows([REQUIRED, *table])
    lines = io.StringIO(file.getvalue(), newline=None)

    read = list(rows(lines, read_header(lines)))

    expected = [Row(number, cells if any(cells) else []) for number, cells in enumerate(table, 2)]
    assert read == expected


@given(st.integers(0, 12), st.integers(1, 5), st.integers(0, 14))
def test_chunks_contain_every_row_after_the_last_written_row_in_order(
    count: int, rows_max: int, after: int
) -> None:
    numbered = [Row(number, ["x"]) for number in range(2, count + 2)]

    found = list(chunks(iter(numbered), after, rows_max))

    assert [row for chunk in found for row in chunk] == [row for row in numbered if row.number > after]
    assert all(1 <= len(chunk) <= rows_max for chunk in found)


def test_a_chunk_of_huge_lines_has_few_rows() -> None:
    huge = Row(2, None, "x" * (CHUNK_CHARACTERS_MAX // 2))

    found = list(chunks([huge._replace(number=number) for number in range(2, 12)], 1, 1_000))

    assert [len(chunk) for chunk in found] == [3, 3, 3, 1]


def test_a_header_may_have_any_order_and_case_and_either_separator() -> None:
    assert read_header(io.StringIO("NIK, Name,region,CONSENT\n")) == Header(
        ("nik", "name", "region", "consent"), ",", headings=("NIK", "Name", "region", "CONSENT")
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
        ("nik,name,region,consent,No. KTP\n", FileFault.COLUMN_TWICE),
        ("nik,n\udcffme,region,consent\n", FileFault.COLUMN_MISSING),
    ],
)
def test_a_file_with_an_invalid_header_is_refused_as_a_whole(text: str, fault: FileFault) -> None:
    with pytest.raises(UnusableFileError) as refused:
        read_header(io.StringIO(text))

    assert refused.value.fault is fault


HEADING = "name,nik,region,consent\n"


@pytest.mark.parametrize(
    ("text", "header"),
    [
        (HEADING, Header(REQUIRED, ",", 1)),
        ("\r\n" + HEADING, Header(REQUIRED, ",", 2, 1)),
        ("Daftar peserta,,,\n" + HEADING, Header(REQUIRED, ",", 2)),
        ("Daftar peserta\n\n,,,\n" + HEADING, Header(REQUIRED, ",", 4, 2)),
        ("sep=;\n" + HEADING.replace(",", ";"), Header(REQUIRED, ";", 2)),
        (HEADING.replace(",", "\t"), Header(REQUIRED, "\t", 1)),
        (HEADING.replace(",", "|"), Header(REQUIRED, "|", 1)),
        ("name,nik,region,consent,,,\n", Header(REQUIRED, ",", 1)),
        ('"Nama Lengkap";"No. KTP";Kelurahan;Persetujuan\n', Header(REQUIRED, ";", 1)),
    ],
)
def test_the_heading_is_found_as_a_person_would_find_it(text: str, header: Header) -> None:
    assert read_header(io.StringIO(text, newline=None))._replace(headings=()) == header


def test_unknown_headings_are_named_together_with_the_known_ones() -> None:
    with pytest.raises(UnusableFileError) as refused:
        read_header(io.StringIO("nik,name,region,consent,Alamat,RT/RW\n"))

    assert refused.value.columns == ("Alamat", "RT/RW")


def test_columns_that_are_not_needed_are_ignored_on_request() -> None:
    text = "No,nik,name,region,consent,Alamat,RT/RW\n"

    header = read_header(io.StringIO(text), ["alamat", "NO", "rt rw"])

    assert header.columns == (IGNORED, "nik", "name", "region", "consent", IGNORED, IGNORED)
    assert header.headings == ("No", "nik", "name", "region", "consent", "Alamat", "RT/RW")


def test_a_required_column_cannot_be_ignored() -> None:
    with pytest.raises(UnusableFileError) as refused:
        read_header(io.StringIO("nik,name,region,consent\n"), ["NIK"])

    assert (refused.value.fault, refused.value.columns) == (FileFault.COLUMN_MISSING, ("nik",))


def test_a_column_may_lack_a_heading() -> None:
    assert read_header(io.StringIO(",nik,name,region,consent\n")).columns == (
        UNNAMED,
        *("nik", "name", "region", "consent"),
    )


@pytest.mark.parametrize(
    "damaged",
    [
        'a,"open,b,c',
        '"a"x,b,c,d',
        r'"a \"b\" c",1,2,3',
        "x" * (LINE_CHARACTERS_MAX + 1),
        "x" * (3 * LINE_CHARACTERS_MAX - 1),
    ],
)
def test_a_damaged_line_costs_no_other_line(damaged: str) -> None:
    text = f"{HEADING}a,b,c,d\n{damaged}\n" + "e,f,g,h\n" * 3
    lines = io.StringIO(text, newline=None)

    read = list(rows(lines, read_header(lines)))

    assert read == [
        Row(2, ["a", "b", "c", "d"]),
        Row(3, None, damaged if len(damaged) <= LINE_CHARACTERS_MAX else None),
        *(Row(number, ["e", "f", "g", "h"]) for number in (4, 5, 6)),
    ]


@pytest.mark.parametrize("surplus", [",,", ", ,\u00a0", ""])
def test_surplus_blank_cells_are_left_out(surplus: str) -> None:
    lines = io.StringIO(f"a,b,c,d{surplus}\n")

    assert next(rows(lines, header_of(","))).cells == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("content", "codec"),
    [
        ("name,René\n".encode(), "utf-8-sig"),
        ("\ufeffname,René\n".encode(), "utf-8-sig"),
        ("name,René\n".encode("utf-16"), "utf-16"),
        ("name,Rene\n".encode("utf-16-le"), "utf-16-le"),
        ("name,Rene\n".encode("utf-16-be"), "utf-16-be"),
        ("name,René\n".encode("cp1252"), "cp1252"),
        ("name,René\n".encode() + "René".encode("cp1252"), "utf-8-sig"),
        (b"name,Rene\n", "utf-8-sig"),
    ],
)
def test_the_encoding_is_detected(tmp_path: Path, content: bytes, codec: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)

    assert detect_encoding(path).codec == codec
    assert "Ren" in path.read_text(encoding=codec, errors="surrogateescape")

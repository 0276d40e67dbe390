"""Converts spreadsheets in the process that the importer uses for them."""

from __future__ import annotations

import asyncio
import struct
import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest

from registration.imports.csv_reader import open_csv, read_header, rows
from registration.imports.file_faults import FileFault, FileNote, UnusableFileError
from registration.imports.file_inspection import inspect_file
from registration.imports.spreadsheets.conversion import text_of
from registration.imports.spreadsheets.conversion_process import FileText, text_of_file
from tests.support.registration.spreadsheets import DATE_STYLE, sheet_xml, text_cell, write_workbook

SAMPLES = Path(__file__).parents[3] / "support/samples/spreadsheets"
HEADING = ("name", "nik", "region", "consent", "phone")
PERSON = ("Siti", "3199014101900021", "31.71.01.1001", "2026-01", "081234567801")


def converted(path: Path) -> tuple[FileText, list[list[str]]]:
    """Convert a file, and return what is known about it and its lines."""

    async def convert() -> tuple[FileText, list[list[str]]]:
        async with text_of_file(path) as text:
            return text, [line.split(";") for line in text.path.read_text().splitlines()]

    return asyncio.run(convert())


def refused(path: Path) -> FileFault:
    with pytest.raises(UnusableFileError) as error:
        converted(path)
    return error.value.fault


@pytest.mark.parametrize("ending", ["xlsx", "ods", "xls"])
def test_a_spreadsheet_of_libreoffice_is_read_as_a_person_reads_it(tmp_path: Path, ending: str) -> None:
    text, lines = converted(SAMPLES / f"people.{ending}")

    assert (text.format, text.sheet) == (ending, "Peserta")
    assert (FileNote.SHEET_NOT_READ, ["Rekap"]) in [tuple(note) for note in text.notes]
    assert lines[3][4:6] == ["081234567801", "2021-10-24T19:30:00+07:00"]
    assert lines[4][2:6] == ["3171011001", "2026-01", "81234567802", "2021-10-21T00:00:00+07:00"]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(";".join(line) for line in lines))
    with open_csv(path) as opened:
        header = read_header(opened)
        assert (header.line, header.blank_lines, len(header.columns)) == (3, 1, 8)
        assert [row.number for row in rows(opened, header) if row.cells] == [4, 5, 6, 8, 9]


@pytest.mark.parametrize("ending", ["ods", "xls"])
def test_cells_without_a_value_of_their_own_are_marked(ending: str) -> None:
    text, lines = converted(SAMPLES / f"irregular.{ending}")

    notes = {note for note, _ in text.notes}
    assert lines[4][2] == "#MERGED!"
    assert FileNote.MERGED_CELLS in notes
    assert (lines[1][4], lines[5][4]) == ("#DIV/0!", "#N/A")
    assert {FileNote.HIDDEN_ROWS, FileNote.HIDDEN_COLUMNS} <= notes


def test_errors_missing_values_and_hidden_rows_of_an_xlsx_are_found(tmp_path: Path) -> None:
    people = [
        HEADING,
        (*PERSON[:4], '<c r="E2" t="e"><f>1/0</f><v>#DIV/0!</v></c>'),
        (*PERSON[:4], '<c r="E3"><f>A1</f></c>'),
        (*PERSON[:4], '<c r="E4" t="str"><f>IF(1,"","")</f><v></v></c>'),
        (*PERSON[:4], '<c r="E5" t="str"><f>A1</f><v>0812</v></c>'),
        (*PERSON[:2], "", "2026-01"),
    ]
    xml = sheet_xml(people, after='<mergeCells><mergeCell ref="C5:C6"/></mergeCells>')
    xml = xml.replace('<row r="4"', "<row r='4' hidden='1'").replace('r="E2" t="e"', "r='E2' t='e'")
    path = write_workbook(tmp_path / "a.xlsx", {"Data": xml, "Lain": xml, "Rahasia": xml}, ["Rahasia"])

    text, lines = converted(path)

    assert [line[4] for line in lines] == ["phone", "#DIV/0!", "#FORMULA!", "", "0812", ""]
    assert lines[5][2] == "#MERGED!"
    assert [list(note) for note in text.notes] == [
        ["sheet_not_read", ["Lain", "Rahasia"]],
        ["hidden_rows", ["1"]],
        ["merged_cells", []],
    ]


def test_a_sheet_that_nobody_sees_is_not_imported_in_place_of_the_visible_one(tmp_path: Path) -> None:
    empty, full = sheet_xml([]), sheet_xml([HEADING, PERSON])
    path = write_workbook(tmp_path / "a.xlsx", {"A": full, "B": empty, "C": full}, ["A"])

    assert converted(path)[0].sheet == "C"
    assert refused(write_workbook(path, {"A": full, "B": empty}, ["A"])) is FileFault.EMPTY


def test_numbers_and_dates_become_what_a_text_file_would_have(tmp_path: Path) -> None:
    cells = [
        '<c r="A1"><v>3199014101900020</v></c>',
        '<c r="B1"><v>8.1234567802E+10</v></c>',
        f'<c r="C1" s="{DATE_STYLE}"><v>44493.79511574074</v></c>',
        '<c r="D1" t="b"><v>1</v></c>',
        text_cell("E1", "Jalan\nMerdeka"),
    ]

    _, lines = converted(write_workbook(tmp_path / "a.xlsx", {"A": sheet_xml([cells])}))

    assert lines == [
        ["3199014101900020", "81234567802", "2021-10-24T19:04:58+07:00", "TRUE", "Jalan Merdeka"]
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1e22, "10000000000000000000000"),
        (float("inf"), "inf"),
        (date(2021, 10, 24), "2021-10-24T00:00:00+07:00"),
        (datetime.fromisoformat("2021-10-24T23:59:59.999600"), "2021-10-25T00:00:00+07:00"),
        ("a\r\nb", "a b"),
        ("a\0b", "a\0b"),
    ],
)
def test_a_value_becomes_text(value: object, text: str) -> None:
    assert text_of(value) == text


def test_numeric_niks_that_excel_has_changed_hold_the_file(tmp_path: Path) -> None:
    people = [("Siti", f'<c r="B{row}"><v>31990{row}4101900000</v></c>', *PERSON[2:]) for row in range(2, 7)]
    _, lines = converted(write_workbook(tmp_path / "a.xlsx", {"A": sheet_xml([HEADING, *people])}))
    path = tmp_path / "text.csv"
    path.write_text("\n".join(";".join(line) for line in lines))

    assert inspect_file(path).hold is not None


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    assert refused(SAMPLES / "encrypted.xlsx") is FileFault.SPREADSHEET_ENCRYPTED
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/manifest.xml", "<manifest:encryption-data/>")
        archive.writestr("content.xml", b"\x93\x01")
    assert refused(path) is FileFault.SPREADSHEET_ENCRYPTED


def test_a_cell_in_the_last_corner_of_the_sheet_is_refused_instead_of_filling_the_memory(
    tmp_path: Path,
) -> None:
    xml = sheet_xml([HEADING, PERSON]).replace(
        "</sheetData>", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    )

    assert refused(write_workbook(tmp_path / "a.xlsx", {"A": xml})) is FileFault.SPREADSHEET_TOO_LARGE


def test_repeated_cells_are_refused_instead_of_filling_the_memory(tmp_path: Path) -> None:
    with zipfile.ZipFile(SAMPLES / "people.ods") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    cell = b'<table:table-cell office:value-type="string" table:number-columns-repeated="16384"><text:p>x'
    row = b'<table:table-row table:number-rows-repeated="300000">' + cell + b"</text:p></table:table-cell>"
    parts["content.xml"] = parts["content.xml"].replace(
        b"<table:table-row", row + b"</table:table-row><table:table-row", 1
    )
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)

    assert refused(tmp_path / "a.ods") in (
        FileFault.SPREADSHEET_TOO_LARGE,
        FileFault.SPREADSHEET_UNREADABLE,
    )


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {"A": sheet_xml([HEADING, PERSON])})
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/media.bin", "w") as bomb,
    ):
        for _ in range(800):
            bomb.write(bytes(1 << 20))

    assert refused(path) is FileFault.SPREADSHEET_TOO_LARGE


def test_an_archive_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {"A": sheet_xml([HEADING, *[PERSON] * 50_000])})
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    path.write_bytes(content.replace(struct.pack("<L", size), struct.pack("<L", 1_000)))

    assert refused(path) is FileFault.SPREADSHEET_UNREADABLE


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04", b"PK\x03\x04" + bytes(100), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)]
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)

    assert refused(path) is FileFault.SPREADSHEET_UNREADABLE


def test_an_archive_that_is_no_spreadsheet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("people.csv", "name,nik")

    assert refused(path) is FileFault.SPREADSHEET_UNREADABLE


def test_a_text_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name;nik\n")

    assert converted(path) == (FileText(path), [["name", "nik"]])

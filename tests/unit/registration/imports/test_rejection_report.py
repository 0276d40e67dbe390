from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Sequence
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.cipher import Cipher, WrongKeyError
from registration.imports.cell_encryption import CellEncryption
from registration.imports.column_validation import DEFUSED
from registration.imports.csv_reader import Row, split
from registration.imports.heading_names import REPORT_HEADINGS
from registration.imports.rejection_report import defused, rejection_report
from registration.imports.store import RejectedRow, ReportFormat
from registration.regions import read_regions
from settings.contract_files import contract_path

ENCRYPTION = CellEncryption(Cipher(bytes(32)))
IMPORT_ID = "0" * 64
REGIONS = read_regions(contract_path("regions.csv"))
CELLS = st.lists(st.text(st.sampled_from("a=+-@' 1,;\"\t"), max_size=5), min_size=1, max_size=4)


Faults = list[tuple[str, str]]
FAULTS: Final[Faults] = [("nik", "nik_digits"), ("name", "blank")]


def written(
    rows: Sequence[Row], form: ReportFormat, *, has_cells: bool = True, faults: Faults = FAULTS
) -> list[str]:
    async def rejected() -> AsyncIterator[RejectedRow]:
        for row, sealed in zip(rows, ENCRYPTION.seal(IMPORT_ID, rows), strict=True):
            yield RejectedRow(row.number, faults, sealed)

    def open_cells(number: int, sealed: bytes) -> list[str]:
        return ENCRYPTION.open(IMPORT_ID, number, sealed)

    async def report() -> str:
        lines = rejection_report(rejected(), form, open_cells if has_cells else None, REGIONS)
        return "".join([line async for line in lines])

    return asyncio.run(report()).removeprefix("\ufeff").splitlines()


@given(CELLS, st.sampled_from(",;\t|"))
def test_the_cells_of_a_report_are_those_of_the_file(cells: list[str], separator: str) -> None:
    headings = [f"h{number}" for number in range(len(cells))]
    form = ReportFormat(headings, separator, headings)

    (_, line) = written([Row(2, cells)], form)

    read = split(line, separator)
    assert read is not None
    shown = read[len(REPORT_HEADINGS) :]
    assert [cell[1:] if DEFUSED.match(cell) else cell for cell in shown] == [
        cell[1:] if DEFUSED.match(cell) else cell for cell in cells
    ]
    assert not any(cell.startswith(("=", "@", "\t")) for cell in shown)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("+62 812-3456", "+62 812-3456"),
        ("+62812|cmd", "'+62812|cmd"),
        ("-", "-"),
        ("-1+1", "'-1+1"),
        ("Siti", "Siti"),
    ],
)
def test_a_cell_that_a_spreadsheet_program_would_compute_is_marked_as_text(cell: str, shown: str) -> None:
    assert defused(cell) == shown


def test_the_report_of_a_report_has_its_columns_only_once() -> None:
    form = ReportFormat([*REPORT_HEADINGS, "Nama", "No. KTP"], ";", [])

    lines = written([Row(2, ["9", "nik", "old", "", "", "Siti", "3199"])], form)

    assert lines[0] == ";".join([*REPORT_HEADINGS, "Nama", "No. KTP"])
    assert lines[1].startswith("2;No. KTP, Nama;nik_digits, blank;NIK harus 16 angka. Tidak boleh kosong.;")
    assert next(csv.reader([lines[1]], delimiter=";"))[-2:] == ["Siti", "3199"]


def test_a_line_that_cannot_be_read_is_one_cell() -> None:
    lines = written([Row(2, None, '"Siti,3199'), Row(3, None)], ReportFormat(["name", "nik"], ",", []))

    assert [next(csv.reader([line]))[5:] for line in lines[1:]] == [['"Siti,3199'], [""]]


def test_a_report_for_others_has_no_cells() -> None:
    lines = written([Row(2, ["Siti", "3199"])], ReportFormat(["name", "nik"], ",", []), has_cells=False)

    assert lines[0] == ",".join(REPORT_HEADINGS)
    assert "Siti" not in lines[1]


def test_a_region_that_differs_from_the_register_has_no_candidates() -> None:
    form = ReportFormat(["Kelurahan"], ",", [])

    _, line = written([Row(2, ["31.71.01.1001"])], form, faults=[("region", "differs")])

    assert "Perhaps: " not in line


@pytest.mark.parametrize(("cell", "code"), [("Gunung", "31.74"), ("Gambr", "31.71.01.1001")])
def test_a_region_that_is_not_clear_is_explained_with_the_candidates(cell: str, code: str) -> None:
    faults = [("region", "region_ambiguous")]
    form = ReportFormat(["Nama", "Kelurahan"], ",", [])

    _, line = written([Row(2, ["Siti", cell])], form, faults=faults)
    _, for_others = written([Row(2, ["Siti", cell])], form, faults=faults, has_cells=False)

    sentence = next(csv.reader([line]))[4]
    assert "Perhaps: " in sentence
    assert code in sentence
    assert "Perhaps: " not in for_others


def test_encrypted_cells_are_bound_to_their_row() -> None:
    (sealed,) = ENCRYPTION.seal(IMPORT_ID, [Row(2, ["Siti", "\udcff"])])

    assert ENCRYPTION.open(IMPORT_ID, 2, sealed) == ["Siti", "\ufffd"]
    with pytest.raises(WrongKeyError):
        ENCRYPTION.open(IMPORT_ID, 3, sealed)

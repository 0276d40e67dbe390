"""Every line of a file is counted once, however the file was damaged."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import uuid_utils
import uuid_utils.compat
from hypothesis import given, settings
from hypothesis import strategies as st

from registration.cipher import Cipher
from registration.imports.chunk_encoding import pack
from registration.imports.csv_reader import chunks, open_csv, read_header, rows
from registration.imports.file_faults import UnusableFileError
from registration.imports.row_validation import ChunkContext, OpenScopes, RowValidator
from registration.regions import read_regions
from settings.contract_files import contract_path

ROWS_MAX = 4
VALIDATOR = RowValidator(
    Cipher(bytes(range(32))),
    read_regions(contract_path("regions.csv")),
    frozenset({"2026-01"}),
    uuid_utils.compat.uuid7,
)
HEADING = "name,nik,region,consent,phone"
PEOPLE = [
    f"Peserta {number},3199{number % 40 + 41:02d}0190{number:06d},31.71.01.1001,2026-01,08123456{number:04d}"
    for number in range(10)
]
DAMAGE = st.sampled_from(
    [
        '"',
        '""',
        ",",
        ";",
        "\n",
        "\r\n",
        "\r",
        "\0",
        "\t",
        "\\",
        "'",
        "=",
        "#REF!",
        "\ufeff",
        "\u200b",
        "é",
        " ",
        "x" * 70_000,
    ]
)
EDITS = st.lists(st.tuples(st.integers(0, 700), DAMAGE, st.integers(0, 40)), max_size=4)
CODECS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """Return a file of valid people after some edits: a text inserted at a place, and characters cut out."""
    text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join([HEADING, *PEOPLE, ""])
    for place, inserted, removed in draw(EDITS):
        text = text[:place] + inserted + text[place + removed :]
    content = text.encode(draw(CODECS), "replace")
    cut = draw(st.integers(0, 60))
    return content[: len(content) - cut] + draw(st.binary(max_size=3))


@settings(max_examples=2_000)
@given(damaged_files())
def test_every_line_of_a_damaged_file_is_counted_once(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "people.csv")
        path.write_bytes(content)
        with open_csv(path) as lines:
            counted = lines_counted(lines)
        with open_csv(path) as lines:
            written = lines.read()

    if counted is not None:
        assert counted == written.count("\n") + (not written.endswith("\n"))


def lines_counted(lines: TextIO) -> int | None:
    """Return the sum of heading lines, blank lines, and accepted and rejected rows; None without heading."""
    try:
        header = read_header(lines)
    except UnusableFileError:
        return None
    counted = header.line
    scopes = OpenScopes(frozenset(), frozenset())
    context = ChunkContext("", header, scopes, datetime.now(UTC))
    for chunk in chunks(rows(lines, header), header.line, ROWS_MAX):
        packed = pack(VALIDATOR.validate(chunk, context), uuid_utils.uuid7)
        accepted = {row.row for row in packed.unpacked().accepted}
        rejected = {cell.row for cell in packed.rejected}
        assert not accepted & rejected
        assert packed.count == len(accepted)
        counted += len(accepted) + len(rejected) + packed.blank
    return counted

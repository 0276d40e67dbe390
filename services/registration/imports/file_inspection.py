"""Looks through a whole file before it is imported: what is detected, and whether its numbers are damaged.

Spreadsheet programs keep 15 digits of a number, so the last digit of a NIK becomes a zero, or they write the
number in scientific notation. Such a file must not be imported before an officer has confirmed it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec

from registration.domain import nik
from registration.imports.csv_reader import Header, numbered_lines, open_csv, read_header, split
from registration.imports.file_encoding import detect_encoding
from registration.imports.file_faults import HoldReason

ALL_ZEROS_ROWS_MIN: Final = 5
"""If all NIKs of at least so many rows end in zero, the file is held."""
MOST_ZEROS_ROWS_MIN: Final = 20
MOST_ZEROS_SHARE: Final = 0.6
"""If more than this share of the NIKs of at least MOST_ZEROS_ROWS_MIN rows end in zero, the file is held."""
SCIENTIFIC: Final = re.compile(r"[0-9]([.,][0-9]*)?[eE]\+?[0-9]+")


class Inspection(msgspec.Struct, frozen=True):
    """What a file is. `lines` is the number of its lines, and `hold` why it must be confirmed, if it must."""

    encoding: str
    header: Header
    lines: int
    hold: HoldReason | None


def inspect_file(path: Path, ignored: Collection[str] = ()) -> Inspection:
    """Read the whole file once. Raises UnusableFileError.

    The columns with the headings in `ignored` are not imported.
    """
    with open_csv(path) as lines:
        header = read_header(lines, ignored)
        numbers = _NumberColumns(header)
        last = header.line
        for last, text in numbered_lines(lines, header.line):  # noqa: B007 - used after the loop
            if text is not None:
                numbers.read(text)
        return Inspection(detect_encoding(path).codec, header, last, numbers.hold())


class _NumberColumns:
    """Counts the NIKs of a file, those that end in zero, and the numbers in scientific notation.

    Reads every line of a file before its import begins, so plain numbers take the shortest way.
    """

    def __init__(self, header: Header) -> None:
        self._separator = header.separator
        self._nik = header.columns.index("nik")
        self._phone = header.columns.index("phone") if "phone" in header.columns else self._nik
        self._last = max(self._nik, self._phone)
        self._niks = self._zeros = self._scientific = 0

    def read(self, text: str) -> None:
        """Count the numbers of a line. A line that is damaged or too short has none."""
        cells = split(text, self._separator)
        if cells is None or len(cells) <= self._last:
            return
        number, phone = cells[self._nik], cells[self._phone]
        if not phone.isdigit():
            self._scientific += SCIENTIFIC.fullmatch(phone.strip()) is not None
        if not number.isdigit():
            self._scientific += SCIENTIFIC.fullmatch(number.strip()) is not None
            number = nik.normalize(number)
        if len(number) == nik.DIGITS and number.isdigit():
            self._niks += 1
            self._zeros += number[-1] == "0"

    def hold(self) -> HoldReason | None:
        """Return why the file is held; None if it is not."""
        if self._scientific:
            return HoldReason.SCIENTIFIC_NOTATION
        return HoldReason.LAST_DIGITS_LOST if are_last_digits_lost(self._niks, self._zeros) else None


def are_last_digits_lost(niks: int, zeros: int) -> bool:
    """Return whether so many of the NIKs end in zero that a program has probably changed them."""
    if niks >= ALL_ZEROS_ROWS_MIN and zeros == niks:
        return True
    return niks >= MOST_ZEROS_ROWS_MIN and zeros > MOST_ZEROS_SHARE * niks

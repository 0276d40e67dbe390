"""What is found in the XML of a sheet: hidden rows and columns, and cells that calamine reads as empty."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from registration.imports.file_faults import FileFault, UnusableFileError

ROWS_MAX: Final = 400_000
CELLS_MAX: Final = 100_000


@dataclass(slots=True)
class SheetFindings:
    """`cells` has the texts of cells with an error or without a value, and of merged cells, by position.

    Positions are (row, column), from 0.
    """

    rows: int = 0
    hidden_rows: int = 0
    hidden_columns: int = 0
    merged: bool = False
    cells: dict[tuple[int, int], str] = field(default_factory=dict)

    def count_rows(self, count: int) -> None:
        """Add rows. Raises UnusableFileError if the sheet has more than ROWS_MAX."""
        self.rows += count
        if self.rows > ROWS_MAX:
            raise UnusableFileError(FileFault.SPREADSHEET_TOO_LARGE)

    def add(self, row: int, column: int, text: str) -> None:
        """Add a cell. Raises UnusableFileError if the sheet has more than CELLS_MAX of them."""
        self.cells[row, column] = text
        if len(self.cells) > CELLS_MAX:
            raise UnusableFileError(FileFault.SPREADSHEET_FORMULAS)

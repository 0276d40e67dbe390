"""The texts that stand in a converted spreadsheet for cells whose value is elsewhere or nowhere."""

from __future__ import annotations

from typing import Final

MERGED: Final = "#MERGED!"
"""The cell is merged with another, which has the value."""
NO_VALUE: Final = "#FORMULA!"
"""The program that wrote the file has not computed the cell's formula."""

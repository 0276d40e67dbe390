"""Writes the CSV report on rejected rows: their number, columns and reasons, never a cell's value."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator


async def rejection_report(rejections: AsyncIterator[tuple[int, str, str]]) -> AsyncIterator[str]:
    """Yield the lines of the report from (row, column, reason). Row 1 is the header of the imported file."""
    yield _line("row", "column", "reason")
    async for row, column, reason in rejections:
        yield _line(row, column, reason)


def _line(*cells: object) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()

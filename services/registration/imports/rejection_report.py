"""The CSV report of an import's rejected rows: row number, column and reason, never a value."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator


async def rejection_report(rejections: AsyncIterator[tuple[int, str, str]]) -> AsyncIterator[str]:
    """Yield the report's lines from (row, column, reason). Rows count from 1, the header of the file."""
    yield _line("row", "column", "reason")
    async for row, column, reason in rejections:
        yield _line(row, column, reason)


def _line(*cells: object) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()

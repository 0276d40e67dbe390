"""The lines that `registration import FILE --check` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from registration.imports.preview import Preview

SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def preview_lines(preview: Preview) -> Iterator[str]:
    """Iterate over what was detected, the first rows, the counts and the reasons."""
    if preview.sheet is None:
        separator = SEPARATORS.get(preview.separator, preview.separator)
        yield f"file: text in {preview.encoding}, separated by {separator}"
    else:
        yield f"file: {preview.format}, sheet {preview.sheet}"
    yield "columns: " + ", ".join(
        f"{column.heading} = {column.column or 'not imported'}" for column in preview.columns
    )
    for row in preview.first_rows:
        yield "row: " + " | ".join(row)
    for note in preview.notes:
        yield f"note: {note.en} {', '.join(note.about)}".rstrip()
    yield (
        f"would be: {preview.accepted:,} accepted, {preview.unchanged:,} unchanged,"
        f" {preview.differing:,} differing, {preview.rejected:,} rejected"
    )
    headings, blank = preview.heading_lines, preview.blank
    yield f"of {preview.lines:,} lines, {headings:,} are headings and {blank:,} are blank"
    for reason in preview.reasons:
        yield f"{reason.rows:,} rows: {reason.column}: {reason.reason}: {reason.en}"

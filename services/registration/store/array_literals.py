"""Columns of rows as array literals of PostgreSQL, made where there is time and parsed by the server.

The driver looks at every element of an array on its way out, at a cost near that of all else done for a row
(seen); a literal is one text to it. Source: PostgreSQL 18, section 8.15.2 (array input) and 8.4.1 (bytea).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

EMPTY: Final = "{}"


def numbers(values: Iterable[int | None]) -> str:
    """Whole numbers; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def texts(values: Sequence[str | None]) -> str:
    """Texts of any kind; None is NULL."""
    if values and values.count(values[0]) == len(values):  # as in most columns of a batch
        return "{" + ",".join(_elements(values[:1]) * len(values)) + "}"
    return "{" + ",".join(_elements(values)) + "}"


def _elements(values: Sequence[str | None]) -> list[str]:
    together = "".join(filter(None, values))
    if '"' in together or "\\" in together:
        values = [value and value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return ["NULL" if value is None else f'"{value}"' for value in values]


def ids(values: Iterable[UUID | None]) -> str:
    """UUIDs, in the form without hyphens; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else f"{value.int:032x}" for value in values]) + "}"


def binaries(values: Iterable[bytes | None]) -> str:
    """Bytes, in hexadecimal form; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else f'"\\\\x{value.hex()}"' for value in values]) + "}"

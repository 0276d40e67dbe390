"""Loads the named queries in the `.sql` files of a package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import aiosql


def load_queries(package: str) -> Any:
    """Return the queries of all files in `<package>/sql/` as methods.

    The first argument is the connection.
    """
    return aiosql.from_path(Path(str(files(package))) / "sql", "asyncpg", kwargs_only=False)

"""Loads the named queries in the `.sql` files of a package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import aiosql


def load_queries(package: str) -> Any:
    """Return an object that has each query of the files in `<package>/sql/` as a method.

    The first argument of each method is the connection or the pool.
    """
    return aiosql.from_path(Path(str(files(package))) / "sql", "asyncpg", kwargs_only=False)

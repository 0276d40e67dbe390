"""Named queries from the `.sql` files of a package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import aiosql


def load_queries(package: str) -> Any:
    """The queries of every file in `<package>/sql/`, as methods that take an asyncpg connection first."""
    return aiosql.from_path(Path(str(files(package))) / "sql", "asyncpg", kwargs_only=False)

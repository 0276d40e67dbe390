"""Loads the named queries in the `.sql` files of a package."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiosql


def load_queries(package: str, fragments: Mapping[str, str] = MappingProxyType({})) -> Any:
    """Return an object that has each query of the files in `<package>/sql/` as a method.

    The first argument of each method is the connection or the pool. The queries contain the fragment `name`
    where the files contain `{name}`.
    """
    paths = sorted((Path(str(files(package))) / "sql").glob("*.sql"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    for name, fragment in fragments.items():
        text = text.replace(f"{{{name}}}", fragment)
    return aiosql.from_str(text, "asyncpg", kwargs_only=False)

"""Finds words in capitals in `.sql` files: keywords and names are in lower case."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from checks.findings import Finding, files, run

DESCRIPTION: Final = (
    "Find words in capitals outside comments and quotes in the .sql files of services and deploy."
)
REMEDY: Final = "write keywords and names in lower case"
FOLDERS: Final = ("services", "deploy")
TOKEN: Final = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\"[^\"]*\"|\b[A-Z][A-Z_]+\b")
"""Matches a comment, a string, a quoted name or a word in capitals."""


def check(root: Path) -> Iterator[Finding]:
    """Check every `.sql` file in FOLDERS."""
    for path in files(root, FOLDERS, ".sql"):
        yield from check_source(path.relative_to(root), path.read_text("utf-8"))


def check_source(path: Path, source: str) -> Iterator[Finding]:
    """Check one file; yield a finding for each word in capitals."""
    for match in TOKEN.finditer(source):
        if match[0][0].isupper():
            line = source.count("\n", 0, match.start()) + 1
            yield Finding(path, line, "sql-case", f"{match[0]}: {REMEDY}")


if __name__ == "__main__":
    sys.exit(run(check, "sql_lower_case", DESCRIPTION, sys.argv[1:]))

"""The result type and the command line of all checks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

# The folders with the project's own Python code; a missing folder is skipped.
CODE: Final = ("services", "simulator", "deploy", "contract", "bench", "checks", "faults", "tests")
REPOSITORY: Final = Path(__file__).resolve().parents[1]


class Finding(NamedTuple):
    """A line that breaks a rule, and how to correct it; `path` is relative to the checked folder."""

    path: Path
    line: int
    rule: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.remedy}"


def files(root: Path, folders: Iterable[str], *suffixes: str) -> Iterator[Path]:
    """Yield the files with these suffixes in `folders`, sorted; hidden folders are skipped."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
            if path.suffix in suffixes and not hidden and path.is_file():
                yield path


def run(check: Callable[[Path], Iterable[Finding]], name: str, description: str, argv: Sequence[str]) -> int:
    """Run a check and print its findings; return the exit status: 1 if there are findings, else 0."""
    parser = argparse.ArgumentParser(prog=f"python -m checks.{name}", description=description)
    parser.add_argument("root", nargs="?", type=Path, default=REPOSITORY, help="the folder to check")
    root: Path = parser.parse_args(argv).root
    if not root.is_dir():
        parser.error(f"{root} is not a folder")
    findings = sorted(check(root))
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    return 1 if findings else 0

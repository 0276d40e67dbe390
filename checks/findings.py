"""What a check reports, and the command line that every check shares."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

# Folders that hold the project's own Python code; those that do not exist are left out.
CODE: Final = ("services", "simulator", "deploy", "contract", "bench", "checks", "faults", "tests")
REPOSITORY: Final = Path(__file__).resolve().parents[1]


class Finding(NamedTuple):
    """A line that breaks a rule, and how to mend it; `path` is relative to the checked root."""

    path: Path
    line: int
    rule: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.remedy}"


def files(root: Path, folders: Iterable[str], *suffixes: str) -> Iterator[Path]:
    """Files with these suffixes in the folders, sorted; hidden folders are left out."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
            if path.suffix in suffixes and not hidden and path.is_file():
                yield path


def run(check: Callable[[Path], Iterable[Finding]], name: str, description: str, argv: Sequence[str]) -> int:
    """Print the findings of a check; the exit status is 1 if there are any, otherwise 0."""
    parser = argparse.ArgumentParser(prog=f"python -m checks.{name}", description=description)
    parser.add_argument("root", nargs="?", type=Path, default=REPOSITORY, help="the folder to check")
    root: Path = parser.parse_args(argv).root
    if not root.is_dir():
        parser.error(f"{root} is no folder")
    findings = sorted(check(root))
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    return 1 if findings else 0

"""Counts the files that each change of a list modifies, with `git diff`."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from checks.structure.report import table


class UnknownChangeError(RuntimeError):
    """A commit or range does not exist; the message is git's error message."""


@dataclass(frozen=True)
class Change:
    """A change, and the number of modified files by top-level folder; `.` is the root folder."""

    name: str
    files: Mapping[str, int]


def changes_of(listing: str, repository: Path) -> list[Change]:
    """Read the list: each line has a commit or a range `a..b`, then a name; `#` starts a comment.

    Raises UnknownChangeError.
    """
    lines = (line.strip() for line in listing.splitlines())
    words = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return [Change((rest or [commits])[0], _files(commits, repository)) for commits, *rest in words]


def _files(commits: str, repository: Path) -> Mapping[str, int]:
    revisions = commits if ".." in commits else f"{commits}^..{commits}"
    done = subprocess.run(
        ["git", "diff", "--name-only", "--end-of-options", revisions],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UnknownChangeError(done.stderr.strip())
    paths = (Path(line) for line in done.stdout.splitlines())
    return Counter(path.parts[0] if len(path.parts) > 1 else "." for path in paths)


def as_markdown(changes: Sequence[Change]) -> str:
    """Return a table with a row for each change and a column for each folder with modified files."""
    folders = sorted({folder for change in changes for folder in change.files})
    return table(("change", "files", *folders), _rows(changes, folders)) + "\n"


def _rows(changes: Iterable[Change], folders: Sequence[str]) -> Iterable[Iterable[object]]:
    for change in changes:
        yield (change.name, sum(change.files.values()), *(change.files.get(folder, 0) for folder in folders))

"""Reads the access keys of the local stack from the file that `deploy.local` writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """One access key per role."""

    booth: str
    officer: str
    admin: str


def parse_keys(text: str) -> AccessKeys:
    """Parse the text of a keys file with lines such as `BOOTH_KEY=…`.

    Raises KeyError with the name of the access key that is missing.
    """
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    found = {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}
    return AccessKeys(found["BOOTH_KEY"], found["OFFICER_KEY"], found["ADMIN_KEY"])


def read_keys(path: Path) -> AccessKeys:
    """Read a keys file such as `.local/keys.env`."""
    return parse_keys(path.read_text(encoding="utf-8"))

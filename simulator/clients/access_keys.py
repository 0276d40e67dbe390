"""The API keys of the local stack, as `deploy.local` writes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Keys:
    """One API key for each role."""

    booth: str
    officer: str
    admin: str


def keys_of(text: str) -> Keys:
    """The keys of a file with lines such as `BOOTH_KEY=…`. Raises KeyError, naming the missing one."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    found = {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}
    return Keys(found["BOOTH_KEY"], found["OFFICER_KEY"], found["ADMIN_KEY"])


def read_keys(path: Path) -> Keys:
    """The keys of `.local/keys.env`."""
    return keys_of(path.read_text(encoding="utf-8"))

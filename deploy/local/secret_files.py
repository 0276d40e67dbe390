"""The local stack's secrets: each a file in `.local/secrets`, made once, readable by its owner only."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

SERVICES: Final = ("registration", "aggregator", "notifier")


def _word() -> str:
    return secrets.token_urlsafe(24)


def _key_of_32_bytes() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _webhook_secret() -> str:
    return "whsec_" + _key_of_32_bytes()


MADE: Final[dict[str, Callable[[], str]]] = {
    "postgres_password": _word,
    **{f"{service}_password": _word for service in SERVICES},
    "registration_secret_key": _key_of_32_bytes,
    "notifier_link_secret": _word,
    "webhook_secret": _webhook_secret,
}


def read_or_make(folder: Path) -> dict[str, str]:
    """All secrets by name; those that are missing are made. Losing one loses what it protects."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return {name: _one(folder / name, make) for name, make in MADE.items()}


def _one(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        fresh = path.with_name(f"{path.name}.new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    return path.read_text().strip()

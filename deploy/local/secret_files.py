"""The secrets of the local stack: files in `.local/secrets` that are generated once.

Only their owner can read them.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

SERVICES: Final = ("registration", "aggregator", "notifier")


def _password() -> str:
    return secrets.token_urlsafe(24)


def _key_of_32_bytes() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _webhook_secret() -> str:
    return "whsec_" + _key_of_32_bytes()


GENERATORS: Final[dict[str, Callable[[], str]]] = {
    "postgres_password": _password,
    **{f"{service}_password": _password for service in SERVICES},
    "registration_secret_key": _key_of_32_bytes,
    "notifier_link_secret": _password,
    "webhook_secret": _webhook_secret,
}


def read_or_create(folder: Path) -> dict[str, str]:
    """Return all secrets by name; generate the secrets whose files are missing.

    If the file of a secret is lost, the data that the secret protected cannot be read any more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return {name: _read_or_create(folder / name, generate) for name, generate in GENERATORS.items()}


def _read_or_create(path: Path, generate: Callable[[], str]) -> str:
    if not path.exists():
        partial = path.with_name(f"{path.name}.new")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(generate())
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    return path.read_text().strip()

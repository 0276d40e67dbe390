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

from deploy.database_roles import DATABASE_ROLES


def new_password() -> str:
    """Return a new password of 32 characters."""
    return secrets.token_urlsafe(24)


def new_key_of_32_bytes() -> str:
    """Return a new key of 32 bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def new_webhook_secret() -> str:
    """Return a new secret in the form of Standard Webhooks."""
    return "whsec_" + new_key_of_32_bytes()


GENERATORS: Final[dict[str, Callable[[], str]]] = {
    "postgres_password": new_password,
    **{f"{role}_password": new_password for role in DATABASE_ROLES},
    "registration_secret_key": new_key_of_32_bytes,
    "notifier_link_secret": new_password,
    "webhook_secret": new_webhook_secret,
}


def read_or_create(folder: Path) -> dict[str, str]:
    """Return all secrets by name; generate the secrets whose files are missing.

    If the file of a secret is lost, the data that the secret protected cannot be read any more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return {name: create_once(folder / name, generate) for name, generate in GENERATORS.items()}


def create_once(path: Path, generate: Callable[[], str], mode: int = 0o600) -> str:
    """Return the text of the file; create it with a generated text and this mode if it does not exist."""
    if not path.exists():
        replace_file(path, generate(), mode)
    return path.read_text().strip()


def replace_file(path: Path, text: str, mode: int) -> None:
    """Write the file at once: at every moment it has the former text or all of the new text."""
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    partial.rename(path)

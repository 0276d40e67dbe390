"""Creates the secrets of an installation in containers, once: a folder per volume of docker-compose.yml.

A container mounts only the volume with the secrets that it needs. Run as
`python -m deploy.secret_volumes FOLDER`; it may be repeated, because it never changes a secret that exists.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.database_roles import SERVICES
from deploy.local.secret_files import create_once, new_key_of_32_bytes, new_password, new_webhook_secret

WEBHOOK_URL: Final = "http://webhooks:8030/"
READABLE: Final = 0o444
"""A volume has readers of several system users, such as that of PostgreSQL; the volume is the boundary."""


def create_secrets(folder: Path) -> None:
    """Create the secrets that are missing in the subfolders of `folder`, one per volume."""
    for volume, secrets in VOLUMES.items():
        for name, generate in secrets.items():
            create_once(folder / volume / name, partial(generate, folder), READABLE)


def _password(_folder: Path) -> str:
    return new_password()


def _role_password(path: str) -> Callable[[Path], str]:
    """Return a generator that keeps the password of a former version at `path`, if there is one."""
    return lambda folder: (folder / path).read_text() if (folder / path).exists() else new_password()


def _copy_of(path: str) -> Callable[[Path], str]:
    return lambda folder: (folder / path).read_text()


def _webhooks(folder: Path) -> str:
    secret = (folder / "webhooks" / "webhook_secret").read_text()
    return json.dumps({"control-room": {"url": WEBHOOK_URL, "secret": secret}})


VOLUMES: Final[Mapping[str, Mapping[str, Callable[[Path], str]]]] = {
    "postgres": {
        "postgres_password": _password,
        **{f"{service}_password": _password for service in SERVICES},
        "registration_api_password": _role_password("registration-api/registration_database_password"),
        "registration_relay_password": _role_password("registration/registration_database_password"),
        "aggregator_service_password": _role_password("aggregator/aggregator_database_password"),
        "notifier_service_password": _role_password("notifier/notifier_database_password"),
    },
    **{
        f"{service}-owner": {
            f"{service}_database_owner_password": _copy_of(f"postgres/{service}_password"),
        }
        for service in SERVICES
    },
    "registration": {"registration_database_password": _copy_of("postgres/registration_relay_password")},
    "registration-api": {
        "registration_database_password": _copy_of("postgres/registration_api_password"),
        "registration_secret_key": lambda _folder: new_key_of_32_bytes(),
    },
    "aggregator": {"aggregator_database_password": _copy_of("postgres/aggregator_service_password")},
    "webhooks": {"webhook_secret": lambda _folder: new_webhook_secret()},
    "notifier": {
        "notifier_database_password": _copy_of("postgres/notifier_service_password"),
        "notifier_link_secret": _password,
        "notifier_webhooks": _webhooks,
    },
}
"""By volume, the name of each secret's file, which is the setting's name in lower case, and its generator."""


def main(
    folder: Annotated[Path, typer.Argument(help="It has a subfolder for each volume.")],
) -> None:
    """Create the secrets that are missing."""
    create_secrets(folder)


if __name__ == "__main__":
    typer.run(main)

"""Creates the secrets of an installation in containers, once: a folder per volume of docker-compose.yml.

A container mounts only the volume with the secrets that it needs. Run as
`python -m deploy.secret_volumes FOLDER`; it may be repeated, because it never changes a secret that exists.
Only certificates are renewed, before they expire.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.authority import create_authority, renew_certificate
from deploy.database_roles import SERVICES
from deploy.local.secret_files import create_once, new_key_of_32_bytes, new_password, new_webhook_secret

WEBHOOK_URL: Final = "http://webhooks:8030/"
READABLE: Final = 0o444
"""A volume has readers of several system users, such as that of PostgreSQL; the volume is the boundary."""


def create_secrets(folder: Path, now: datetime) -> list[str]:
    """Create the secrets that are missing in the subfolders of `folder`, one per volume.

    Return the names of the certificates that are new.
    """
    authority = folder / "authority"
    create_authority(authority, now)
    for volume, secrets in VOLUMES.items():
        for name, generate in secrets.items():
            create_once(folder / volume / name, partial(generate, folder), READABLE)
    return [
        path
        for path, names in SERVERS.items()
        if renew_certificate(authority, folder / path, names, now, READABLE)
    ]


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


SERVERS: Final[Mapping[str, tuple[str, ...]]] = {
    "kafka/kafka_server.pem": ("kafka", "kafka-1", "kafka-2", "kafka-3", "localhost", "127.0.0.1"),
}
"""By file, the names of the server that has this key and certificate."""
_AUTHORITY: Final = _copy_of("authority/authority.pem")

VOLUMES: Final[Mapping[str, Mapping[str, Callable[[Path], str]]]] = {
    "authority": {},
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
    "registration": {
        "registration_database_password": _copy_of("postgres/registration_relay_password"),
        "kafka_sasl_password": _password,
        "authority.pem": _AUTHORITY,
    },
    "registration-api": {
        "registration_database_password": _copy_of("postgres/registration_api_password"),
        "registration_secret_key": lambda _folder: new_key_of_32_bytes(),
    },
    "aggregator": {
        "aggregator_database_password": _copy_of("postgres/aggregator_service_password"),
        "kafka_sasl_password": _password,
        "authority.pem": _AUTHORITY,
    },
    "webhooks": {"webhook_secret": lambda _folder: new_webhook_secret()},
    "notifier": {
        "notifier_database_password": _copy_of("postgres/notifier_service_password"),
        "notifier_link_secret": _password,
        "notifier_webhooks": _webhooks,
        "kafka_sasl_password": _password,
        "authority.pem": _AUTHORITY,
    },
    "board": {"kafka_sasl_password": _password, "authority.pem": _AUTHORITY},
    "kafka-admin": {"kafka_sasl_password": _password, "authority.pem": _AUTHORITY},
    "kafka": {
        "kafka_admin_password": _copy_of("kafka-admin/kafka_sasl_password"),
        "kafka_registration_password": _copy_of("registration/kafka_sasl_password"),
        "kafka_aggregator_password": _copy_of("aggregator/kafka_sasl_password"),
        "kafka_notifier_password": _copy_of("notifier/kafka_sasl_password"),
        "kafka_board_password": _copy_of("board/kafka_sasl_password"),
        "authority.pem": _AUTHORITY,
    },
}
"""By volume, the name of each secret's file, and its generator. A setting's file has its name in lower case.

The authority's own files and the certificates of SERVERS are no part of the list.
"""


def main(
    folder: Annotated[Path, typer.Argument(help="It has a subfolder for each volume.")],
) -> None:
    """Create the secrets that are missing, and renew the certificates that expire soon."""
    for path in create_secrets(folder, datetime.now(UTC)):
        typer.echo(f"certificate created: {path}; restart its server if it runs")


if __name__ == "__main__":
    typer.run(main)

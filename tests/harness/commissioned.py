"""A template database with API keys, a campaign and agencies, made once by the register's own commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import commands, secret_files
from tests.harness.databases import TestServer
from tests.harness.stack import surroundings

TEMPLATE = "template_commissioned"


@dataclass(frozen=True)
class Commissioned:
    """The template's name, the secrets its rows were made with, and the keys they let in."""

    template: str
    secrets: Mapping[str, str]
    keys: Mapping[str, str]


def commission(server: TestServer, folder: Path) -> Commissioned:
    """Make the template."""
    secrets = secret_files.read_or_make(folder / "secrets")
    databases = server.clone(name=TEMPLATE)
    keys = commands.commission(surroundings(folder, databases.urls(), {}, secrets))
    return Commissioned(TEMPLATE, secrets, keys)

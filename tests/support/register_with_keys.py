"""A template database with API keys, a campaign and agencies, created once per session."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from database.address import DatabaseAddress
from database.pool import connect
from deploy.local import secret_files
from deploy.local.one_shot_commands import ROLES, SCOPES
from registration.auth.callers import Role
from registration.cli.api_keys import create_key
from registration.cli.campaigns_and_agencies import add_scope
from registration.intake.campaigns_and_agencies import ScopeKind
from tests.support.postgres_server import TestServer

TEMPLATE = "template_commissioned"


@dataclass(frozen=True)
class Commissioned:
    """The template's name, the secrets for the processes, and the API keys by role."""

    template: str
    secrets: Mapping[str, str]
    keys: Mapping[str, str]


def commission(server: TestServer, folder: Path) -> Commissioned:
    """Create the template by calling the admin functions, because each admin command would take seconds."""
    databases = server.clone(name=TEMPLATE)
    with ThreadPoolExecutor(1) as thread:  # a session fixture has no event loop
        keys = thread.submit(lambda: asyncio.run(_commission(databases.registration_api))).result()
    return Commissioned(TEMPLATE, secret_files.read_or_create(folder / "secrets"), keys)


async def _commission(address: DatabaseAddress) -> dict[str, str]:
    pool = await connect(address, application_name="commission")
    try:
        for kind, name, title in SCOPES:
            await add_scope(pool, ScopeKind(kind), name, title)
        roles = {role.stored_name: role for role in Role}
        return {role: await create_key(pool, roles[role], f"test {role}") for role in ROLES}
    finally:
        await pool.close()

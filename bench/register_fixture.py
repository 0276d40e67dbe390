"""A register's database of a measurement's own, syncing to disk, with a key and scopes; no broker."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.servers import PASSWORD
from database.migrations import migrate
from database.pool import connect
from deploy.local import postgres
from deploy.local.commands import clean_environment
from deploy.local.ports import free_ports
from registration.auth.api_keys import Role
from registration.cli.campaigns_and_agencies import add_scope
from registration.cli.keys import create_key
from registration.intake.scopes import ScopeKind

SECRET: Final = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
CAMPAIGN, AGENCY = "fest-2021", "ppkukm"


@dataclass(frozen=True)
class Register:
    """Where it is, a booth's key, and the server's process id for the meter."""

    folder: Path
    url: str
    key: str
    postgres_pid: int

    def environment(self, **settings: str) -> dict[str, str]:
        """What a process of the register needs, and settings of its own."""
        return clean_environment(
            {
                "REGISTRATION_DATABASE_URL": self.url,
                "REGISTRATION_SECRET_KEY": SECRET,
                "REGISTRATION_LOG_LEVEL": "WARNING",
                "REGISTRATION_IMPORT_SPOOL_DIR": str(self.folder / "spool"),
                **settings,
            }
        )


@asynccontextmanager
async def register() -> AsyncIterator[Register]:
    """Start the server, make the tables, and remove all trace of it at the end."""
    with tempfile.TemporaryDirectory(prefix="bench-register-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may run as another user
        server = postgres.Server(folder / "postgres", free_ports(1)[0], PASSWORD)
        server.prepare()
        process = server.start(folder / "postgres.log")
        try:
            server.wait_ready(60)
            server.create_database("bench", dict.fromkeys(postgres.SERVICES, PASSWORD))
            url = server.url("bench", "registration", PASSWORD)
            migrate("registration", url)
            yield Register(folder, url, await commission(url), process.pid)
        finally:
            process.send_signal(signal.SIGINT)  # does not wait for clients
            process.wait(30)
            postgres.remove(server.folder)


async def commission(url: str) -> str:
    """Open a campaign and an agency; a booth's key."""
    pool = await connect(url, application_name="bench")
    try:
        await add_scope(pool, ScopeKind.CAMPAIGN, CAMPAIGN, "Jakpreneur Fest 2021")
        await add_scope(pool, ScopeKind.AGENCY, AGENCY, "Dinas PPKUKM")
        return await create_key(pool, Role.BOOTH, "bench")
    finally:
        await pool.close()

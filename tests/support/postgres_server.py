"""A real PostgreSQL server for tests; each test gets a new database, cloned from a migrated template."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from database.address import DatabaseAddress
from database.migrations import migrate
from deploy.database_roles import DATABASE_ROLES, SERVICES
from deploy.local.postgres import Server, ServerError, programs
from tests.support.log_files import tail
from tests.support.ports import free_ports

PASSWORD = "a-password-of-a-test"
TEMPLATE = "template_migrated"
RECOVERY_S_MAX = 120.0
# fsync is off, because tests kill only processes, never the machine: what has reached the kernel survives.
SETTINGS = (
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("log_checkpoints", "off"),
    ("log_min_messages", "error"),
)


@dataclass(frozen=True)
class Databases:
    """The addresses of one test's database: one per role, and the superuser's.

    The role with a service's name owns the service's tables. Processes log in as the other roles.
    """

    registration: DatabaseAddress
    registration_api: DatabaseAddress
    registration_relay: DatabaseAddress
    aggregator: DatabaseAddress
    aggregator_service: DatabaseAddress
    notifier: DatabaseAddress
    notifier_service: DatabaseAddress
    admin: DatabaseAddress
    name: str

    def addresses(self) -> dict[str, DatabaseAddress]:
        """Return the addresses by role."""
        return {role: getattr(self, role) for role in DATABASE_ROLES}


class TestServer:
    """A PostgreSQL server with a template database, from which each test clones its database."""

    __test__ = False  # because of its name, pytest would otherwise collect the class as tests

    def __init__(self, parent: Path | None = None) -> None:
        """Start the server in a new folder inside `parent`, or inside the system's temporary folder if None.

        Every user must be able to enter `parent`.
        """
        # Not in pytest's folders, which only their owner can enter: PostgreSQL may run as another user.
        self._folder = Path(tempfile.mkdtemp(prefix="jakpreneur-test-", dir=parent))
        self._folder.chmod(0o755)
        self._log = self._folder / "postgres.log"
        self._server = Server(self._folder / "postgres", free_ports(1)[0], PASSWORD, SETTINGS)
        self._server.prepare()
        self._backup = self._server.data.with_name("backup")
        self._process: subprocess.Popen[bytes] = self._server.start(self._log)
        try:
            self._server.wait_ready(RECOVERY_S_MAX)
            self._make_template()
        except ServerError as error:
            self.close()
            raise AssertionError(f"{error}\n{tail(self._log)}") from error
        except BaseException:
            self.close()
            raise

    def _make_template(self) -> None:
        self._server.create_database(TEMPLATE, dict.fromkeys(DATABASE_ROLES, PASSWORD))
        for service in SERVICES:
            if _has_migrations(service):
                migrate(service, self._server.address(TEMPLATE, service, PASSWORD))

    def clone(self, template: str = TEMPLATE, name: str | None = None) -> Databases:
        """Create a database from a template. The default template has all migrations and no rows."""
        name = name or f"test_{uuid4().hex[:12]}"
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        # Cloning copies the privileges on objects inside the database, but not those on the database itself.
        self._execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        roles = sql.SQL(", ").join(map(sql.Identifier, DATABASE_ROLES))
        self._execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), roles))
        addresses = {role: self._server.address(name, role, PASSWORD) for role in DATABASE_ROLES}
        return Databases(**addresses, admin=self._server.address(name), name=name)

    def drop(self, databases: Databases) -> None:
        """Drop a database and terminate its open connections."""
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(databases.name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            **self._server.address("postgres").libpq_options(), autocommit=True
        ) as connection:
            connection.execute(statement)

    def crash(self) -> None:
        """Stop the server at once (SIGQUIT): all connections end, and the next start replays the WAL."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(60)

    def require_a_standby(self, name: str) -> None:
        """Let each COMMIT wait for a standby of this name; with an empty name, for none."""
        self._execute(sql.SQL("alter system set synchronous_standby_names = {}").format(sql.Literal(name)))
        self._execute(sql.SQL("select pg_reload_conf()").format())

    def is_running(self) -> bool:
        """Whether the server process runs."""
        return self._process.poll() is None

    def wait_ready(self) -> None:
        """Wait until the server answers, or its process has ended."""
        ends_at = time.monotonic() + RECOVERY_S_MAX
        while self.is_running():
            try:
                self._server.wait_ready(0.2)
            except ServerError:
                if time.monotonic() > ends_at:
                    raise
            else:
                return

    def restart(self) -> None:
        """Start the server after a crash and wait until it answers."""
        self._process = self._server.start(self._log)
        self._server.wait_ready(RECOVERY_S_MAX)

    def back_up(self) -> None:
        """Take a base backup of the running server with the WAL it needs (pg_basebackup)."""
        command = [str(programs(self._folder) / "bin" / "pg_basebackup"), "-D", str(self._backup)]
        command += [
            "-d",
            make_conninfo(**self._server.address("postgres").libpq_options()),
            "--checkpoint=fast",
            "--wal-method=stream",
        ]
        user = self._server.user
        subprocess.run(command, check=True, user=user, extra_groups=[] if user else None, cwd="/")

    def restore(self) -> None:
        """Replace all data by the backup, and start the server. The backup can be used only once."""
        self.crash()
        shutil.rmtree(self._server.data)
        self._backup.rename(self._server.data)
        self.restart()

    def close(self) -> None:
        """Kill the server and delete its data."""
        self._process.kill()
        self._process.wait(60)
        shutil.rmtree(self._folder, ignore_errors=True)


def _has_migrations(service: str) -> bool:
    found = find_spec(service)
    folders = found.submodule_search_locations if found else None
    return any((Path(folder) / "migrations" / "env.py").exists() for folder in folders or ())

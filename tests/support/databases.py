"""A real server for tests, and a fresh database for each, cloned from a template that is migrated once."""

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

from database.migrations import migrate
from deploy.local.ports import free_ports
from deploy.local.postgres import SERVICES, Server, ServerError, programs
from tests.support.log_files import tail

PASSWORD = "test"
TEMPLATE = "template_migrated"
RECOVERY_S_MAX = 60.0
# Processes are killed in tests, machines are not: what reached the kernel survives.
SETTINGS = (
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("log_checkpoints", "off"),
    ("log_min_messages", "error"),
)


@dataclass(frozen=True)
class Databases:
    """The URLs of one test's database: a service's role and schema each, and the superuser's."""

    registration: str
    aggregator: str
    notifier: str
    admin: str
    name: str

    def urls(self) -> dict[str, str]:
        """The services' URLs by name."""
        return {service: getattr(self, service) for service in SERVICES}


class TestServer:
    """The session's PostgreSQL, with a template database that every clone is made from."""

    __test__ = False  # not a test, whatever its name begins with

    def __init__(self, parent: Path | None = None) -> None:
        """`parent`: a folder that everybody may enter; none: one of the system's."""
        # pytest's own folders are for their owner only, and PostgreSQL may run as another user.
        self._folder = Path(tempfile.mkdtemp(prefix="jakpreneur-test-", dir=parent))
        self._folder.chmod(0o755)
        self._log = self._folder / "postgres.log"
        self._server = Server(self._folder / "postgres", free_ports(1)[0], PASSWORD, SETTINGS)
        self._server.prepare()
        self._backup = self._server.data.with_name("backup")
        self._process: subprocess.Popen[bytes] = self._server.start(self._log)
        try:
            self._server.wait_ready(30)
            self._make_template()
        except ServerError as error:
            self.close()
            raise AssertionError(f"{error}\n{tail(self._log)}") from error
        except BaseException:
            self.close()
            raise

    def _make_template(self) -> None:
        self._server.create_database(TEMPLATE, dict.fromkeys(SERVICES, PASSWORD))
        for service in SERVICES:
            if _has_migrations(service):
                migrate(service, self._server.url(TEMPLATE, service, PASSWORD))

    def clone(self, template: str = TEMPLATE, name: str | None = None) -> Databases:
        """A fresh database, migrated and empty, or like the template named."""
        name = name or f"test_{uuid4().hex[:12]}"
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        # Rights on a database, unlike those inside it, are not cloned.
        self._execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        for service in SERVICES:
            self._execute(
                sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
                    sql.Identifier(name), sql.Identifier(service)
                )
            )
        urls = {service: self._server.url(name, service, PASSWORD) for service in SERVICES}
        return Databases(**urls, admin=self._server.url(name), name=name)

    def drop(self, databases: Databases) -> None:
        """Drop it, ending whoever is still connected."""
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(databases.name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def crash(self) -> None:
        """Stop it hard (SIGQUIT): every connection ends at once, and the next start recovers from the log."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(20)

    def runs(self) -> bool:
        """Whether the server has not ended by itself."""
        return self._process.poll() is None

    def wait_ready(self) -> None:
        """Wait until it answers, or has ended by itself."""
        ends_at = time.monotonic() + RECOVERY_S_MAX
        while self.runs():
            try:
                self._server.wait_ready(0.2)
            except ServerError:
                if time.monotonic() > ends_at:
                    raise
            else:
                return

    def start_again(self) -> None:
        """Start it after a crash; returns when it answers."""
        self._process = self._server.start(self._log)
        self._server.wait_ready(RECOVERY_S_MAX)

    def back_up(self) -> None:
        """Take a base backup of the running server, with the log it needs (pg_basebackup)."""
        command = [str(programs(self._folder) / "bin" / "pg_basebackup"), "-D", str(self._backup)]
        command += ["-d", self._server.url("postgres"), "--checkpoint=fast", "--wal-method=stream"]
        user = self._server.user
        subprocess.run(command, check=True, user=user, extra_groups=[] if user else None, cwd="/")

    def restore(self) -> None:
        """Put the backup, which is used up, in the place of everything, and start again."""
        self.crash()
        shutil.rmtree(self._server.data)
        self._backup.rename(self._server.data)
        self.start_again()

    def close(self) -> None:
        """End the server and throw its data away."""
        self._process.kill()
        self._process.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)


def _has_migrations(service: str) -> bool:
    found = find_spec(service)
    folders = found.submodule_search_locations if found else None
    return any((Path(folder) / "migrations" / "env.py").exists() for folder in folders or ())

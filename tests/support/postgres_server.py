"""A real PostgreSQL server for tests; each test gets a new database, cloned from a migrated template."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
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
STANDBY = "standby"
HAS_EVERYTHING = f"""
select exists (select from pg_stat_replication
                where application_name = '{STANDBY}' and state = 'streaming'
                  and flush_lsn >= pg_current_wal_lsn())
"""
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
        self._standby: tuple[Path, subprocess.Popen[bytes]] | None = None
        """The data and the process of the standby."""
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

    def wait_until_commits_wait(self) -> None:
        """Wait until the server has read `require_a_standby`, and a commit waits for a missing standby."""
        warnings: list[psycopg.errors.Diagnostic] = []
        with psycopg.connect(
            **self._server.address("postgres").libpq_options(), autocommit=True
        ) as connection:
            connection.add_notice_handler(warnings.append)
            while not warnings:
                cancel = threading.Timer(0.2, connection.cancel)
                cancel.start()
                # A busy server is cancelled before it commits.
                with suppress(psycopg.errors.QueryCanceled):
                    connection.execute("select pg_logical_emit_message(true, 'probe', '')")
                cancel.cancel()

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
        """Take a base backup of the running server with the WAL it needs."""
        self._base_backup(self._backup)

    def restore(self) -> None:
        """Replace all data by the backup, and start the server. The backup can be used only once."""
        self.crash()
        self._replace_data(self._backup)
        self.restart()

    def start_standby(self) -> None:
        """Start a streaming standby, and wait until it has everything.

        It replaces an earlier standby. `require_a_standby(STANDBY)` makes it synchronous.
        """
        self.stop_standby()
        folder = self._server.folder / "standby"
        standby = Server(folder, free_ports(1)[0], PASSWORD, (*SETTINGS, ("cluster_name", STANDBY)))
        shutil.rmtree(standby.data, ignore_errors=True)
        self._base_backup(standby.data, "--write-recovery-conf")
        self._standby = standby.data, standby.start(self._log)
        self.wait_for_standby()

    def wait_for_standby(self) -> None:
        """Wait until the standby has everything that is committed."""
        ends_at = time.monotonic() + RECOVERY_S_MAX
        while not self._value(HAS_EVERYTHING):
            assert time.monotonic() < ends_at, f"the standby does not follow\n{tail(self._log)}"
            time.sleep(0.1)

    def stop_standby(self) -> None:
        """Stop the standby at once, if there is one. It receives nothing more."""
        if self._standby is not None:
            self._standby[1].send_signal(signal.SIGQUIT)
            self._standby[1].wait(20)

    def fail_over(self) -> None:
        """Stop this server at once, and promote the stopped standby at its address.

        What the standby had not received when it was stopped is lost.
        """
        assert self._standby is not None, "start a standby first"
        data, process = self._standby
        assert process.poll() is not None, "stop the standby first"
        self.crash()
        self._replace_data(data)
        self._standby = None
        # Otherwise the standby would look for its primary at its own address.
        alone = replace(self._server, settings=(*self._server.settings, ("primary_conninfo", "")))
        self._process = alone.start(self._log)
        options = {**self._server.address("postgres").libpq_options(), "target_session_attrs": "any"}
        ends_at = time.monotonic() + RECOVERY_S_MAX
        while True:
            try:
                with psycopg.connect(**options, autocommit=True) as connection:
                    connection.execute("select pg_promote()")
            except psycopg.OperationalError:
                assert time.monotonic() < ends_at, f"the standby does not start\n{tail(self._log)}"
                time.sleep(0.05)
            else:
                break
        self._server.wait_ready(RECOVERY_S_MAX)

    def _base_backup(self, target: Path, *options: str) -> None:
        command = [str(programs(self._folder) / "bin" / "pg_basebackup"), "-D", str(target), *options]
        command += [
            "-d",
            make_conninfo(**self._server.address("postgres").libpq_options()),
            "--checkpoint=fast",
            "--wal-method=stream",
        ]
        user = self._server.user
        subprocess.run(command, check=True, user=user, extra_groups=[] if user else None, cwd="/")

    def _replace_data(self, data: Path) -> None:
        shutil.rmtree(self._server.data)
        data.rename(self._server.data)

    def _value(self, query: str) -> Any:
        with psycopg.connect(
            **self._server.address("postgres").libpq_options(), autocommit=True
        ) as connection:
            row = connection.execute(query).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Kill the server and its standby, and delete their data."""
        self.stop_standby()
        self._process.kill()
        self._process.wait(60)
        shutil.rmtree(self._folder, ignore_errors=True)


def _has_migrations(service: str) -> bool:
    found = find_spec(service)
    folders = found.submodule_search_locations if found else None
    return any((Path(folder) / "migrations" / "env.py").exists() for folder in folders or ())

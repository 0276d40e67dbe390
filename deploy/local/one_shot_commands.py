"""Runs one-shot commands of the services to migrate schemas, create keys, and open campaigns and agencies."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from deploy.database_roles import SERVICES
from deploy.local.paths import ROOT
from deploy.local.process_definitions import StackConfig
from deploy.local.supervisor_client import INHERITED

ROLES: Final = ("booth", "officer", "admin")
SCOPES: Final = (
    ("campaign", "fest-2021", "Jakpreneur Fest 2021"),
    ("agency", "ppkukm", "Dinas Perindustrian, Perdagangan, Koperasi, Usaha Kecil dan Menengah"),
    ("agency", "ppapp", "Dinas Pemberdayaan, Perlindungan Anak dan Pengendalian Penduduk"),
    ("agency", "parekraf", "Dinas Pariwisata dan Ekonomi Kreatif"),
)
KEY: Final = re.compile(r"^[A-Za-z0-9_.-]{20,}$", re.MULTILINE)


class CommandError(RuntimeError):
    """A service's command failed; the message has the end of its error output."""


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process of the stack: `settings`, and from the caller only INHERITED."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**kept, **settings}


class Command:
    """A one-shot command that has been started; several commands can run at the same time."""

    def __init__(
        self,
        stack_config: StackConfig,
        package: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._words = [package, *arguments]
        self._process = subprocess.Popen(
            [sys.executable, "-m", package, *arguments],
            env=clean_environment({**stack_config.command_settings(package, arguments[0]), **(env or {})}),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self, deadline_s: float = 120.0) -> str:
        """Wait for the end of the command and return its output. Raises CommandError if it failed."""
        try:
            out, err = self._process.communicate(timeout=deadline_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            out, err = self._process.communicate()
        if self._process.returncode != 0:
            raise CommandError(
                f"{' '.join(self._words)} ended with {self._process.returncode}:\n{err[-2000:]}"
            )
        return out


def results(commands: Iterable[Command]) -> list[str]:
    """Wait for all commands and return their outputs. Raises the error of the first command that failed."""
    outcomes: list[str | CommandError] = []
    for command in commands:
        try:
            outcomes.append(command.result())
        except CommandError as error:
            outcomes.append(error)
    for outcome in outcomes:
        if isinstance(outcome, CommandError):
            raise outcome
    return [str(outcome) for outcome in outcomes]


def migrations_digest() -> str:
    """Return a digest of all migrations of all services."""
    digest = hashlib.sha256()
    for service in SERVICES:
        for path in sorted((ROOT / "services" / service / "migrations").rglob("*")):
            if path.suffix in {".py", ".sql"}:
                digest.update(path.read_bytes())
    return digest.hexdigest()


def migrate_all(stack_config: StackConfig) -> None:
    """Migrate every service's schema to its newest version."""
    results([Command(stack_config, service, "migrate") for service in SERVICES])


def commission(stack_config: StackConfig) -> dict[str, str]:
    """Open the campaign and agencies that registrations may name; return a new access key per role."""
    scopes = [Command(stack_config, "registration", kind, "add", name, title) for kind, name, title in SCOPES]
    keys = [
        Command(stack_config, "registration", "key", "create", "--role", role, "--label", f"local {role}")
        for role in ROLES
    ]
    printed = results([*scopes, *keys])[len(scopes) :]
    return {role: _key(text) for role, text in zip(ROLES, printed, strict=True)}


def _key(text: str) -> str:
    found = KEY.findall(text)
    if len(found) != 1:
        raise CommandError("registration key create did not print one key on a line of its own")
    return str(found[0])


def write_keys(path: Path, keys: Mapping[str, str]) -> None:
    """Write the access keys to a file that a shell can source, with lines such as `BOOTH_KEY=…`.

    Only its owner can read the file.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{role.upper()}_KEY={key}\n" for role, key in keys.items())
    fresh.rename(path)


def read_keys(path: Path) -> dict[str, str]:
    """Return the access keys by role; empty if there is no keys file yet."""
    if not path.exists():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    return {name.removesuffix("_KEY").lower(): value for name, value in pairs}

"""Reads the PostgreSQL schema of each service with pg_dump."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from checks.surface.recordings import Files
from deploy.local.postgres import SERVICES, programs

# Comments contain PostgreSQL's version; the command \restrict contains a random key.
LEFT_OUT = re.compile(r"^(--|\\(un)?restrict\b)")


def dump(url: str) -> Files:
    """Return a file per service: its newest migration, then tables, functions, indexes and privileges."""
    return {f"{service}.sql": _version(url, service) + _dump(url, service) for service in SERVICES}


def _version(url: str, service: str) -> str:
    statement = sql.SQL("SELECT version_num FROM {}.alembic_version").format(sql.Identifier(service))
    with psycopg.connect(url) as connection:
        versions = [str(row[0]) for row in connection.execute(statement)]
    return f"-- migrated to {', '.join(sorted(versions))}\n"


def _dump(url: str, service: str) -> str:
    program = programs(Path("/")) / "bin" / "pg_dump"
    command = [str(program), "--schema-only", f"--schema={service}", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return cleaned(done.stdout)


def cleaned(text: str) -> str:
    """Return the SQL statements of a dump, without comments and empty lines."""
    lines = [line for line in text.splitlines() if line and not LEFT_OUT.match(line)]
    return "\n".join(lines) + "\n"

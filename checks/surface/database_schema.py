"""Reads the PostgreSQL schema of each service with pg_dump."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from checks.surface.recordings import Files
from database.address import DatabaseAddress
from deploy.database_roles import SERVICES
from deploy.local.postgres import programs

# Comments contain PostgreSQL's version; the command \restrict contains a random key.
LEFT_OUT = re.compile(r"^(--|\\(un)?restrict\b)")


def dump(database: DatabaseAddress) -> Files:
    """Return a file per service: its newest migration, then tables, functions, indexes and privileges."""
    return {f"{service}.sql": _version(database, service) + _dump(database, service) for service in SERVICES}


def _version(database: DatabaseAddress, service: str) -> str:
    statement = sql.SQL("SELECT version_num FROM {}.alembic_version").format(sql.Identifier(service))
    with psycopg.connect(**database.libpq_options()) as connection:
        versions = [str(row[0]) for row in connection.execute(statement)]
    return f"-- migrated to {', '.join(sorted(versions))}\n"


def _dump(database: DatabaseAddress, service: str) -> str:
    program = programs(Path("/")) / "bin" / "pg_dump"
    conninfo = make_conninfo(**database.libpq_options())
    command = [str(program), "--schema-only", f"--schema={service}", conninfo]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return cleaned(done.stdout)


def cleaned(text: str) -> str:
    """Return the SQL statements of a dump, without comments and empty lines."""
    lines = [line for line in text.splitlines() if line and not LEFT_OUT.match(line)]
    return "\n".join(lines) + "\n"

"""Each role has the privileges that its statements need, and no other; no role can change an event."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from deploy.database_roles import DATABASE_ROLES, PROCESS_ROLES, SERVICES
from tests.support.contract_documents import ROOT
from tests.support.postgres_server import Databases
from tests.support.role_queries import statements_of_roles

pytestmark = pytest.mark.integration

PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
GRANTED = """
select relname, privilege from pg_class, unnest(%s::text[]) as privilege
where relnamespace = %s::regnamespace and relkind in ('r', 'p', 'v')
  and has_table_privilege(%s, pg_class.oid, privilege)
"""
COLUMNS = """
select table_name::text, min(column_name::text) from information_schema.columns
where table_schema = %s group by table_name
"""
STATEMENTS = {
    "SELECT": "select {column} from {table}",
    "INSERT": "insert into {table} ({column}) values (null)",
    "UPDATE": "update {table} set {column} = null",
    "DELETE": "delete from {table}",
    "TRUNCATE": "truncate {table}",
}
KEPT = re.compile(r"^- `(?P<table>[a-z_]+)` \((?P<service>[a-z]+)\): ", re.MULTILINE)

Connection = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def connected(address: Any) -> Iterator[Connection]:
    with psycopg.connect(**address.libpq_options(), autocommit=True, prepare_threshold=None) as connection:
        yield connection


def granted(admin: Connection, role: str, service: str) -> set[tuple[str, str]]:
    return set(admin.execute(GRANTED, (list(PRIVILEGES), service, role)).fetchall())


def refused(connection: Connection, statement: str) -> bool:
    """Whether PostgreSQL refuses to plan the statement for want of a privilege. Nothing is executed."""
    try:
        connection.execute(b"explain (generic_plan) " + statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


def fails(connection: Connection, statement: sql.SQL | sql.Composed) -> bool:
    """Whether PostgreSQL refuses to run the statement for want of a privilege."""
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


@pytest.mark.parametrize("role", PROCESS_ROLES)
def test_a_role_may_run_each_of_its_statements(database: Databases, role: str) -> None:
    with connected(getattr(database, role)) as connection:
        assert [text for text in statements_of_roles()[role] if refused(connection, text)] == []


@pytest.mark.parametrize("role", PROCESS_ROLES)
def test_a_role_has_no_privilege_that_none_of_its_statements_needs(database: Databases, role: str) -> None:
    statements, service = statements_of_roles()[role], PROCESS_ROLES[role]
    unneeded = []

    with connected(database.admin) as admin, connected(getattr(database, role)) as connection:
        for table, privilege in sorted(granted(admin, role, service)):
            names = {"privilege": sql.SQL(privilege), "table": sql.Identifier(service, table)}
            to_role = {**names, "role": sql.Identifier(role)}
            admin.execute(sql.SQL("revoke {privilege} on {table} from {role}").format(**to_role))
            if not any(refused(connection, text) for text in statements if table in text):
                unneeded.append((table, privilege))
            admin.execute(sql.SQL("grant {privilege} on {table} to {role}").format(**to_role))

    assert unneeded == []


@pytest.mark.parametrize("role", DATABASE_ROLES)
def test_no_role_can_update_delete_or_truncate_events(database: Databases, role: str) -> None:
    statements = ("update {event} set value = ''", "delete from {event}", "truncate {event}")

    with connected(getattr(database, role)) as connection:
        ran = [
            text
            for text in statements
            if not fails(connection, sql.SQL(text).format(event=sql.SQL("registration.event")))
        ]

    assert ran == []


@pytest.mark.parametrize("role", PROCESS_ROLES)
def test_every_statement_that_is_not_granted_is_refused(database: Databases, role: str) -> None:
    ran = []

    with connected(database.admin) as admin, connected(getattr(database, role)) as connection:
        for service in SERVICES:
            allowed = granted(admin, role, service)
            for table, column in admin.execute(COLUMNS, (service,)).fetchall():
                names = {"table": sql.Identifier(service, table), "column": sql.Identifier(column)}
                ran += [
                    (table, privilege)
                    for privilege, text in STATEMENTS.items()
                    if (table, privilege) not in allowed
                    and not fails(connection, sql.SQL(text).format(**names))
                ]

    assert ran == []


@pytest.mark.parametrize("role", PROCESS_ROLES)
def test_a_process_creates_and_drops_nothing(database: Databases, role: str) -> None:
    texts = (
        "create table planted (n int)",
        "create temporary table planted (n int)",
        "drop table alembic_version",
    )

    with connected(getattr(database, role)) as connection:
        assert [text for text in texts if not fails(connection, sql.SQL(text))] == []


def test_rows_may_be_deleted_only_where_the_settings_page_names_a_bound(database: Databases) -> None:
    bounded = {
        match.group("service", "table") for match in KEPT.finditer((ROOT / "docs/settings.md").read_text())
    }

    with connected(database.admin) as admin:
        deletable = {
            (service, table)
            for role, service in PROCESS_ROLES.items()
            for table, privilege in granted(admin, role, service)
            if privilege == "DELETE"
        }

    assert deletable == bounded

"""Migrations hold up no other transaction for long; a process refuses a schema that it cannot use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import psycopg
import pytest
from psycopg import sql

from database.address import DatabaseAddress
from database.migrations import MigrationFailedError, migrate
from database.pool import UnusableDatabaseError, connect
from tests.support.deadlines import until
from tests.support.postgres_server import Databases

pytestmark = pytest.mark.integration

DEADLINE_S = 30
INSERT = """
insert into participant (id, cipher_key_id, region, consent, channel)
values (gen_random_uuid(), 'k', '31.99', '2026-01', 'public')
"""
WAITING = "select count(*) from pg_stat_activity where query like $1 and wait_event_type = 'Lock'"
TURN = "select count(*) from pg_stat_activity where usename = 'aggregator' and query like '%advisory_lock%'"
FIRST = "create table goods (price integer); create table contraction (revision text primary key);"
MIGRATION = """from database.alembic_env import run_sql_file

revision, down_revision, branch_labels, depends_on = "{revision}", {former}, None, None


def upgrade() -> None:
    run_sql_file(__file__, "{name}.sql")
"""
Connection: TypeAlias = "asyncpg.Connection[Any]"


@dataclass(frozen=True)
class Shop:
    """A service of which only the migrations exist."""

    service: str
    address: DatabaseAddress
    versions: Path

    def add(self, name: str, statements: str) -> None:
        """Add a migration; its number follows that of the last one."""
        number = int(name[1:5])
        former = repr(f"{number - 1:04}") if number > 1 else None
        text = MIGRATION.format(revision=f"{number:04}", former=former, name=name)
        (self.versions / f"{name}.py").write_text(text)
        (self.versions / f"{name}.sql").write_text(statements)

    def stored(self) -> tuple[Any, ...] | None:
        """Return the revision and the newest contraction of the schema."""
        with psycopg.connect(**self.address.libpq_options()) as connection:
            return connection.execute(
                "select (select version_num from alembic_version), (select max(revision) from contraction)"
            ).fetchone()


@pytest.fixture
async def owners(database: Databases) -> AsyncIterator[tuple[Connection, Connection]]:
    """Two connections of the register's owner, whose transactions may stay open for long."""
    options = {
        **database.registration.asyncpg_options(),
        "server_settings": {
            "idle_in_transaction_session_timeout": "0",
            "transaction_timeout": "0",
            "lock_timeout": "15s",
            "statement_timeout": "60s",
        },
    }
    connections = await asyncpg.connect(**options), await asyncpg.connect(**options)
    yield connections
    for connection in connections:
        await connection.close()


async def empty_the_schema(database: Databases) -> None:
    admin = await asyncpg.connect(**database.admin.asyncpg_options())
    await admin.execute(
        "drop schema registration cascade; create schema registration authorization registration;"
        "grant usage on schema registration to registration_api, registration_relay"
    )
    await admin.close()


@asynccontextmanager
async def held_up_migration(
    database: Databases, owners: tuple[Connection, Connection], upto: str, statement: str, waiting: str
) -> AsyncIterator[asyncio.Task[None]]:
    """Migrate an empty schema to `upto` while an open transaction has run `statement`.

    During the block, the statement of the migration that begins with `waiting` waits for this transaction.
    Then the transaction is committed, and the migration ends.
    """
    first, second = owners
    await empty_the_schema(database)
    before = f"{int(upto) - 1:04}"
    await asyncio.to_thread(migrate, "registration", database.registration, upto=before)
    open_transaction = first.transaction()
    await open_transaction.start()
    await first.execute(statement)
    migrating = asyncio.create_task(
        asyncio.to_thread(migrate, "registration", database.registration, upto=upto)
    )
    await until(lambda: second.fetchval(WAITING, f"%{waiting}%"), DEADLINE_S, name=f"`{waiting}` waits")
    yield migrating
    await open_transaction.commit()
    await migrating


async def test_writers_continue_while_the_index_of_a_table_with_rows_is_built(
    database: Databases, owners: tuple[Connection, Connection]
) -> None:
    _, second = owners
    async with held_up_migration(database, owners, "0004", INSERT, "create index") as migrating:
        for _ in range(3):
            await second.execute(INSERT)
        assert not migrating.done()

    assert await second.fetchval(
        "select indisvalid from pg_index where indexrelid = 'participant_standing'::regclass"
    )
    assert await second.fetchval("select count(*) from participant") == 4


async def test_an_index_is_built_while_another_service_waits_for_its_turn(
    database: Databases, owners: tuple[Connection, Connection]
) -> None:
    admin = await asyncpg.connect(**database.admin.asyncpg_options())
    async with held_up_migration(database, owners, "0004", INSERT, "create index"):
        other = asyncio.create_task(asyncio.to_thread(migrate, "aggregator", database.aggregator))
        await until(lambda: admin.fetchval(TURN), name="the other service waits for its turn")
        await admin.close()
        # The index is now built, which waits for every session that has a snapshot.

    await other


async def test_a_migration_that_waits_for_a_table_lets_others_pass(
    database: Databases, owners: tuple[Connection, Connection]
) -> None:
    _, second = owners
    reading = "select from import_file"
    async with held_up_migration(database, owners, "0005", reading, "alter table import_file") as migrating:
        await second.execute(reading)  # its lock_timeout exceeds that of a migration
        assert not migrating.done()

    assert await second.fetchval("select max(version_num) from alembic_version") == "0005"


async def test_an_older_or_contracted_schema_is_refused_and_an_expanded_one_is_not(
    database: Databases, owners: tuple[Connection, Connection]
) -> None:
    owner, _ = owners

    async def refusal() -> str:
        try:
            pool = await connect(database.registration_api, service="registration", application_name="test")
        except UnusableDatabaseError as error:
            return str(error)
        pool.terminate()
        return ""

    present = await refusal()
    await owner.execute("update alembic_version set version_num = '0012'")
    older = await refusal()
    await owner.execute("update alembic_version set version_num = '0999'")
    expanded = await refusal()
    await asyncio.to_thread(migrate, "registration", database.registration)
    await owner.execute("insert into contraction (revision) values ('0998')")
    contracted = await refusal()
    with pytest.raises(MigrationFailedError, match="0998"):
        await asyncio.to_thread(migrate, "registration", database.registration)
    await empty_the_schema(database)
    empty = await refusal()

    assert (present, expanded) == ("", "")
    assert "`registration migrate`" in older
    assert "0012" in older
    assert "start the newer version" in contracted
    assert "revision none" in empty


@pytest.fixture
def shop(database: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A service named shop with one migration, and its empty schema."""
    name = f"shop_{database.name}"
    versions = tmp_path / name / "migrations" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    (versions.parent / "grants.sql").write_text("select 1")
    (versions.parent / "env.py").write_text("from database.alembic_env import run\n\nrun()\n")
    monkeypatch.syspath_prepend(tmp_path)
    admin_options = database.admin.libpq_options()
    with psycopg.connect(**admin_options, autocommit=True) as admin:
        role = sql.Identifier(name)
        admin.execute(sql.SQL("create role {} login password {}").format(role, sql.Literal(name)))
        admin.execute(sql.SQL("alter role {} set search_path = {}").format(role, role))
        admin.execute(sql.SQL("create schema {} authorization {}").format(role, role))
        admin.execute(
            sql.SQL("grant connect on database {} to {}").format(sql.Identifier(database.name), role)
        )
        shop = Shop(name, replace(database.admin, user=name, password=name), versions)
        shop.add("v0001_first", FIRST)
        yield shop
        admin.execute(sql.SQL("drop owned by {} cascade").format(role))
        admin.execute(sql.SQL("drop role {}").format(role))


def test_a_contraction_waits_until_it_is_asked_for_and_is_recorded(shop: Shop) -> None:
    migrate(shop.service, shop.address)
    shop.add("v0002_contract_first", "alter table goods drop column price;")
    shop.add("v0003_second", "alter table goods add column size integer;")

    migrate(shop.service, shop.address)
    held_back = shop.stored()
    migrate(shop.service, shop.address, contract=True)

    assert held_back == ("0001", None)
    assert shop.stored() == ("0003", "0002")


def test_an_empty_schema_gets_all_migrations_at_once(shop: Shop) -> None:
    shop.add("v0002_contract_first", "alter table goods drop column price;")

    migrate(shop.service, shop.address)

    assert shop.stored() == ("0002", "0002")


async def test_an_unknown_database_is_one_message(database: Databases) -> None:
    with pytest.raises(UnusableDatabaseError, match="_DATABASE_NAME"):
        await connect(replace(database.registration_api, name="unknown"), application_name="test")

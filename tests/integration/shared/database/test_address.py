"""Names and passwords of any characters reach the real server, and no output reveals a password."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from database.address import DatabaseAddress
from database.pool import connect
from deploy.local.one_shot_commands import clean_environment
from deploy.local.process_definitions import CONFIG, PROCESSES
from deploy.local.secret_files import new_key_of_32_bytes, new_webhook_secret
from tests.support.ports import free_ports
from tests.support.postgres_server import Databases

pytestmark = pytest.mark.integration

AWKWARD = "/ + = @ % :"
PASSWORD = f"a{AWKWARD}b?c#d&e'f\\g"
PORTS = [process.port_setting for process in PROCESSES.values() if process.is_service]
COMMANDS = [
    ("registration", "api"),
    ("registration", "relay"),
    ("registration", "audit"),
    ("aggregator", "publisher"),
    ("notifier", "run"),
    ("registration", "migrate"),
    ("registration", "campaign", "add", "fest-2021", "Fest"),
    ("notifier", "migrate"),
    ("notifier", "dead", "list"),
    ("aggregator", "migrate"),
    ("aggregator", "quarantine", "list"),
]


@pytest.fixture
def awkward(database: Databases) -> Iterator[DatabaseAddress]:
    """A database, its role and their password with awkward characters in each."""
    name, role = f"{AWKWARD} {database.name}", f"{AWKWARD} role of {database.name}"
    with psycopg.connect(**database.admin.libpq_options(), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        admin.execute(
            sql.SQL("create role {} login password {}").format(sql.Identifier(role), sql.Literal(PASSWORD))
        )
        for limit, value in (
            ("idle_in_transaction_session_timeout", "3s"),
            ("lock_timeout", "2s"),
            ("statement_timeout", "10s"),
            ("transaction_timeout", "15s"),
            ("tcp_user_timeout", "5s"),
        ):
            admin.execute(
                sql.SQL("alter role {} set {} = {}").format(
                    sql.Identifier(role), sql.Identifier(limit), sql.Literal(value)
                )
            )
        yield replace(database.admin, name=name, user=role, password=PASSWORD)
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        admin.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


async def test_both_drivers_connect_with_awkward_names_and_password(awkward: DatabaseAddress) -> None:
    pool = await connect(awkward, application_name="test")
    found = await pool.fetchrow("select current_database(), current_user")
    pool.terminate()
    with psycopg.connect(**awkward.libpq_options()) as connection:
        found_by_psycopg = connection.execute("select current_database(), current_user").fetchone()

    assert tuple(found or ()) == found_by_psycopg == (awkward.name, awkward.user)


async def test_of_several_servers_the_one_that_answers_is_used(database: Databases) -> None:
    (here,), away = database.registration.hosts, ("127.0.0.1", free_ports(1)[0])

    pool = await connect(replace(database.registration, hosts=(away, here)), application_name="test")
    database_name = await pool.fetchval("select current_database()")
    pool.terminate()

    assert database_name == database.name


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_wrong_password_ends_processes_and_commands_with_one_message_that_omits_it(
    database: Databases, tmp_path: Path, words: tuple[str, ...]
) -> None:
    package, *arguments = words
    address = replace(getattr(database, package), password=PASSWORD)
    environment = {
        **address.environment(package),
        f"{package.upper()}_DATABASE_OWNER_PASSWORD": PASSWORD,
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "NOTIFIER_RULES_FILE": str(CONFIG / "rules.yaml"),
        "NOTIFIER_TARGETS_FILE": str(CONFIG / "targets.yaml"),
        "NOTIFIER_WEBHOOKS": json.dumps(
            {"control-room": {"url": "https://example.org", "secret": new_webhook_secret()}}
        ),
        "REGISTRATION_SECRET_KEY": new_key_of_32_bytes(),
        "REGISTRATION_IMPORT_SPOOL_DIR": str(tmp_path),
        **{name: str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)},
    }

    ended = subprocess.run(
        [sys.executable, "-m", package, *arguments],
        env=clean_environment(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    output = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert "password authentication failed" in output
    assert "Traceback" not in output
    assert not any(PASSWORD[start : start + 4] in output for start in range(len(PASSWORD) - 3))

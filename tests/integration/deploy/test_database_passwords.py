"""The roles of the services get the passwords in the secret files, whatever characters these contain."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from deploy.database_roles import DATABASE_ROLES
from deploy.local.postgres import ROLES_SQL, programs
from tests.support.postgres_server import PASSWORD, Databases

pytestmark = pytest.mark.integration

AWKWARD = "a/b+c=d@e%f:g h'i\"j\\k`l$m:n"


@pytest.fixture
def former_passwords(database: Databases) -> Iterator[None]:
    """Give the roles, which all tests share, their former passwords again."""
    yield
    with psycopg.connect(**database.admin.libpq_options(), autocommit=True) as admin:
        for role in DATABASE_ROLES:
            admin.execute(
                sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(PASSWORD))
            )


@pytest.mark.usefixtures("former_passwords")
def test_each_role_gets_the_password_in_its_file(database: Databases, tmp_path: Path) -> None:
    for role in DATABASE_ROLES:
        (tmp_path / f"{role}_password").write_text(f"{AWKWARD} of {role}")

    subprocess.run(
        [
            programs(Path("/")) / "bin" / "psql",
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            f"--set=secrets={tmp_path}",
            f"--file={ROLES_SQL.with_name('passwords.psql')}",
            make_conninfo(**database.admin.libpq_options()),
        ],
        check=True,
        timeout=60,
    )

    for role, former in database.addresses().items():
        address = replace(former, password=f"{AWKWARD} of {role}")
        psycopg.connect(**address.libpq_options()).close()

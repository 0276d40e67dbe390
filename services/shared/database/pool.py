"""Waits for the database server, opens a connection pool, and checks the role and the version of the schema.

A connection returns to the pool without a reset. Therefore no code may change the state of its session: SET
without LOCAL, LISTEN and session advisory locks are forbidden.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import asyncpg

from database.address import DatabaseAddress
from database.schema_versions import StoredVersion, read_migrations, refusal
from settings.configuration_error import ConfigurationError
from telemetry.logs import get

log = get()

# Each time-out of the role must be set and at most this long. Otherwise a suspended client could hold its
# locks, and so block the other clients, for an unlimited time. With PostgreSQL 15 and 16, which lack
# `transaction_timeout`, a client can still do so if it is suspended while it prepares a statement.
REQUIRED_LIMITS_MS: Final = {
    "idle_in_transaction_session_timeout": 3_000,
    "lock_timeout": 2_000,
    "statement_timeout": 120_000,
    "transaction_timeout": 150_000,
    "tcp_user_timeout": 5_000,
}
CONNECT_S_MAX: Final = 5.0
LONG_TRANSACTION_MARGIN_S: Final = 30.0
"""The time beyond a long `statement_timeout_s` that a transaction may last."""
TRANSIENT_ERRORS: Final = (
    OSError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.TargetServerAttributeNotMatched,
)


REJECTIONS: Final[Mapping[type[asyncpg.PostgresError], str]] = {
    asyncpg.InvalidAuthorizationSpecificationError: "check …_DATABASE_USER, …_PASSWORD and …_SSLMODE, or "
    "set the role's password by deploy/postgres/roles.sql",
    asyncpg.InvalidCatalogNameError: "check …_DATABASE_NAME",
    asyncpg.InsufficientPrivilegeError: "run deploy/postgres/roles.sql as the superuser in this database",
}
"""The remedy for each reason for which the server rejects a login; the first includes a wrong password."""
SCHEMA_VERSION: Final = """select
    coalesce((select max(version_num) from alembic_version), '') as revision,
    coalesce((select max(revision) from contraction), '') as contraction"""


class UnusableDatabaseError(ConfigurationError):
    """The process cannot work with this database; the message has the reason and the remedy."""


class UnsafeRoleError(UnusableDatabaseError):
    """A time-out of the database role, which releases the locks of a suspended client, is unset or too long.

    deploy/postgres/roles.sql, run as the superuser, sets all time-outs of the role.
    """


async def connect(
    address: DatabaseAddress,
    *,
    application_name: str,
    service: str = "",
    max_size: int = 4,
    min_size: int = 1,
    statement_timeout_s: float | None = None,
    wait_s: float = 60.0,
) -> asyncpg.Pool[Any]:
    """Open a pool; retry for up to `wait_s` seconds until the server answers, and log each failed attempt.

    `service` is the service whose schema the pool uses. `statement_timeout_s` replaces the time-outs of the
    role for statements and transactions.

    Raises UnusableDatabaseError if the server rejects the login, if a time-out of the role is unset or too
    long, or if this version of the service cannot work with the schema. Raises the driver's error if the
    server does not answer in time.
    """
    server_settings = {"application_name": application_name}
    if statement_timeout_s is not None:
        server_settings["statement_timeout"] = f"{int(statement_timeout_s * 1000)}"
    deadline = time.monotonic() + wait_s
    while True:
        try:
            pool = await asyncpg.create_pool(
                **address.asyncpg_options(),
                timeout=CONNECT_S_MAX,
                min_size=min_size,
                max_size=max_size,
                command_timeout=(statement_timeout_s or 10.0) + 5,
                server_settings=server_settings,
                init=partial(_limit_transactions, statement_timeout_s),
                max_inactive_connection_lifetime=0,
                reset=_skip_reset,
            )
            break
        except TRANSIENT_ERRORS as error:
            if time.monotonic() > deadline:
                raise
            log.info("waiting for PostgreSQL", error=type(error).__name__, reason=str(error)[:300])
            await asyncio.sleep(0.5)
        except tuple(REJECTIONS) as error:
            raise UnusableDatabaseError(_rejection(error)) from None
    try:
        await _check_limits(pool)
        if service:
            await _check_schema(pool, service)
    except BaseException:
        await pool.close()
        raise
    return pool


async def ask_server(pool: asyncpg.Pool[Any]) -> None:
    """Run a trivial query. Raises the driver's error if the server does not answer."""
    await pool.execute("select")


async def _limit_transactions(
    statement_timeout_s: float | None, connection: asyncpg.pool.PoolConnectionProxy[Any]
) -> None:
    """Let a transaction last longer than one long statement, if the server has this setting."""
    if statement_timeout_s is not None:
        await connection.execute(
            "select set_config(name, $1, false) from pg_settings where name = 'transaction_timeout'",
            f"{int((statement_timeout_s + LONG_TRANSACTION_MARGIN_S) * 1000)}",
        )


async def _skip_reset(_connection: object) -> None:
    """Replace the driver's `RESET ALL`, which costs a round trip per release.

    The driver still rolls back an open transaction.
    """


def _rejection(error: asyncpg.PostgresError) -> str:
    remedy = next(remedy for kind, remedy in REJECTIONS.items() if isinstance(error, kind))
    return f"PostgreSQL refuses the login: {error}; {remedy}"


async def _check_schema(pool: asyncpg.Pool[Any], service: str) -> None:
    try:
        row = await pool.fetchrow(SCHEMA_VERSION)
    except asyncpg.UndefinedTableError:
        row = None
    except asyncpg.InsufficientPrivilegeError as error:
        raise UnusableDatabaseError(
            f"the role has no privileges in the schema {service} ({error}): run `{service} migrate`"
        ) from None
    stored = StoredVersion(row["revision"], row["contraction"]) if row else StoredVersion("", "")
    if (reason := refusal(service, read_migrations(service), stored)) is not None:
        raise UnusableDatabaseError(reason)


async def _check_limits(pool: asyncpg.Pool[Any]) -> None:
    rows = await pool.fetch(
        "select name, setting::bigint as value from pg_settings where name = any($1::text[])",
        list(REQUIRED_LIMITS_MS),
    )
    unsafe = [
        f"{row['name']} is {row['value'] or 'unset'}, at most {REQUIRED_LIMITS_MS[row['name']]} ms is safe"
        for row in rows
        if not 0 < row["value"] <= REQUIRED_LIMITS_MS[row["name"]]
    ]
    if unsafe:
        raise UnsafeRoleError("; ".join(unsafe) + ". Run deploy/postgres/roles.sql as the superuser.")

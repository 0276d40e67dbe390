"""The errors of a database that cannot be used now. Source: PostgreSQL 18, appendix A."""

from __future__ import annotations

from typing import Final

import asyncpg

UNAVAILABLE_ERRORS: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""The server is unreachable, read-only or overloaded. The same statement can succeed later."""

"""Database errors after which the same transaction can succeed later. Source: PostgreSQL 18, appendix A."""

from __future__ import annotations

from typing import Final

import asyncpg

CONFLICT_ERRORS: Final = (
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)
"""The transaction conflicted with another one or waited for it too long."""
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

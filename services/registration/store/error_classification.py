"""Classifies database errors by what the writer does next. Source: PostgreSQL 18, appendix A."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import asyncpg


class Failure(StrEnum):
    """What to do after a transaction failed before COMMIT was sent, and so was certainly rolled back."""

    REPEAT = "repeat"
    """A conflict with another transaction: run it again."""
    UNAVAILABLE = "unavailable"
    """The server is unreachable or read-only: ask the callers to retry later."""
    DATA = "data"
    """A value in the batch cannot be stored: refuse its operation and write the others."""


class AmbiguousCommitError(Exception):
    """The reply to COMMIT was lost: the transaction may or may not have been committed.

    Run the batch again: the rows of its idempotency keys show whether it was.
    """


class RowVanishedError(Exception):
    """A row was deleted between two statements (an erasure, an expired key): run the transaction again."""


_REPEAT: Final = (
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    RowVanishedError,
)
# An integrity error is a value that validation should have refused. The driver raises ValueError for a value
# that it cannot encode.
_DATA: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    ValueError,
)
_UNAVAILABLE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
DATABASE_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
    AmbiguousCommitError,
    RowVanishedError,
)
"""The errors of a transaction that are not programming errors."""


def failure_of(error: BaseException) -> Failure | None:
    """Classify an error of a transaction; None means a programming error."""
    if isinstance(error, _REPEAT):
        return Failure.REPEAT
    if isinstance(error, _DATA):
        return Failure.DATA
    if isinstance(error, _UNAVAILABLE):
        return Failure.UNAVAILABLE
    return None

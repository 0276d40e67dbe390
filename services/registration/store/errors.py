"""What a database error means for the batch that met it. Source: PostgreSQL 18, appendix A (error codes)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import asyncpg


class Failure(StrEnum):
    """What to do after a transaction failed before its commit was asked for: it is rolled back for sure."""

    REPEAT = "repeat"
    """Others were in the way: run it again."""
    UNAVAILABLE = "unavailable"
    """The server cannot be reached or cannot write: tell the callers to come back."""
    DATA = "data"
    """Something in the batch cannot be stored: find it, refuse it, write the rest."""


class AmbiguousCommitError(Exception):
    """The answer to COMMIT was lost: the transaction may or may not have happened.

    Run the batch again: the rows of its idempotency keys tell.
    """


class RowVanishedError(Exception):
    """A row seen by one statement was gone for the next (an erasure, a key too old): run it again."""


_REPEAT: Final = (
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    RowVanishedError,
)
# An integrity error is a datum that no rule foresaw. What the driver cannot send it refuses by a ValueError.
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
"""All that a transaction may raise that is no fault of ours."""


def failure_of(error: BaseException) -> Failure | None:
    """What an error of a transaction means, or None where it is a fault of ours."""
    if isinstance(error, _REPEAT):
        return Failure.REPEAT
    if isinstance(error, _DATA):
        return Failure.DATA
    if isinstance(error, _UNAVAILABLE):
        return Failure.UNAVAILABLE
    return None

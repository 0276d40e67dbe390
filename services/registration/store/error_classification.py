"""Classifies database errors by what the writer must do next. Source: PostgreSQL 18, appendix A."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import asyncpg

from database.errors import CONFLICT_ERRORS, UNAVAILABLE_ERRORS
from database.replication import UnreplicatedCommitError


class Failure(StrEnum):
    """What to do after a failed transaction. It is rolled back, or running it again does no harm."""

    REPEAT = "repeat"
    """The transaction conflicted with another one, or a fail-over may lose its commit. Run it again."""
    UNAVAILABLE = "unavailable"
    """The server is unreachable or read-only. Ask the callers to retry later."""
    DATA = "data"
    """A value in the batch cannot be stored. Refuse the operation with this value, and write the others."""


class AmbiguousCommitError(Exception):
    """It is unknown whether the transaction was committed, or whether a fail-over keeps it.

    The reply to COMMIT was lost, or the wait for the synchronous standby was cancelled.
    Run the batch again. If the transaction was committed, the batch's idempotency keys exist.
    """


class ConcurrentWriteError(Exception):
    """Another transaction wrote a key or a participant after this transaction had read which ones exist.

    Nothing was written. Run the transaction again.
    """


_REPEAT: Final = (
    *CONFLICT_ERRORS,
    ConcurrentWriteError,
    UnreplicatedCommitError,
)
# An integrity error means that a value passed validation although it should not have. The driver raises
# ValueError for a value that it cannot encode.
_DATA: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    ValueError,
)
DATABASE_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
    AmbiguousCommitError,
    ConcurrentWriteError,
    UnreplicatedCommitError,
)
"""The errors that a transaction can raise without a programming error."""


def failure_of(error: BaseException) -> Failure | None:
    """Classify an error of a transaction; None if it is a programming error."""
    if isinstance(error, _REPEAT):
        return Failure.REPEAT
    if isinstance(error, _DATA):
        return Failure.DATA
    if isinstance(error, UNAVAILABLE_ERRORS):
        return Failure.UNAVAILABLE
    return None

"""An operation (a command with its caller and idempotency key) and its answer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

import msgspec

from registration.domain.commands import Command, RegisterCommand
from registration.domain.decision import Reason


class OperationFault(StrEnum):
    """Refusals that do not come from a domain rule."""

    KEY_REUSED = "idempotency-key-reused"
    """The idempotency key was used for another request."""
    UNSTORABLE = "unstorable"
    """PostgreSQL rejects a value that all validation accepted."""
    SCOPE_EXISTS = "scope-exists"
    """A campaign or agency with this id exists under another name."""


DONE: Final = "done"
PENDING: Final = "pending"
Outcome = Literal["done"] | Reason | OperationFault

_WORDS: Final[dict[str, Outcome]] = {DONE: DONE, **{word: word for word in (*Reason, *OperationFault)}}


OutcomeTuple = tuple[Outcome, UUID | None, str | None, int | None]
"""(outcome, participant id, region, revision); all but the outcome are None after a refusal."""


class Answer(msgspec.Struct, frozen=True):
    """The stored outcome of an operation: `done` with the resulting participant, or the refusal reason.

    `replayed` is True if an earlier request with the same idempotency key already received this answer.
    """

    outcome: Outcome
    participant_id: UUID | None = None
    region: str | None = None
    revision: int | None = None
    recorded_at: datetime | None = None
    replayed: bool = False


class Operation(msgspec.Struct, frozen=True):
    """A command with its caller and idempotency key; `body_hmac` shows whether a repeat has the same body."""

    caller: str
    route: str
    key: str
    body_hmac: bytes
    command: Command
    channel: str
    traceparent: str | None = None

    @property
    def unique_key(self) -> tuple[str, str, str]:
        """(caller, route, key): the unique key in the table, and the order in which keys are locked."""
        return (self.caller, self.route, self.key)

    def expected_answer(self) -> tuple[str, UUID, str | None, int | None]:
        """The likely answer, stored with the key, so that most operations need no second write."""
        if isinstance(self.command, RegisterCommand):
            return (DONE, self.command.id, self.command.standing.region, 1)
        return (PENDING, self.command.id, None, None)


def outcome_of(word: str) -> Outcome:
    """Parse a stored outcome. Raises KeyError if it is unknown."""
    return _WORDS[word]

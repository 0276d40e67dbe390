"""An operation (a command with its caller and idempotency key) and its answer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

import msgspec

from registration.domain.commands import Command
from registration.domain.decision import Reason


class OperationFault(StrEnum):
    """Why an operation is refused although no rule in `domain.decision` refuses its command."""

    KEY_REUSED = "idempotency-key-reused"
    """The idempotency key was used for a request with another body."""
    UNSTORABLE = "unstorable"
    """The operation has a value that passed validation but that PostgreSQL cannot store."""
    SCOPE_EXISTS = "scope-exists"
    """A campaign or agency with the requested id exists, and its name differs from the requested name."""


DONE: Final = "done"
Outcome = Literal["done"] | Reason | OperationFault

_WORDS: Final[dict[str, Outcome]] = {DONE: DONE, **{word: word for word in (*Reason, *OperationFault)}}


OutcomeTuple = tuple[Outcome, UUID | None, str | None, int | None]
"""(outcome, participant id, region, revision). After a refusal, all but the outcome are None."""


class Answer(msgspec.Struct, frozen=True):
    """The stored outcome of an operation.

    `outcome` is `done` or the refusal reason. If it is `done`, the other fields describe the participant
    after the operation. `replayed` is True if the answer was stored for an earlier request with the same
    idempotency key.
    """

    outcome: Outcome
    participant_id: UUID | None = None
    region: str | None = None
    revision: int | None = None
    recorded_at: datetime | None = None
    replayed: bool = False


class Operation(msgspec.Struct, frozen=True):
    """A command with its caller and idempotency key.

    `body_hmac` is the fingerprint of the request. If the key comes
    again, the fingerprint shows whether the body is the same.
    """

    caller: str
    route: str
    key: str
    body_hmac: bytes
    command: Command
    channel: str
    traceparent: str | None = None

    @property
    def unique_key(self) -> tuple[str, str, str]:
        """(caller, route, idempotency key), by which the stored answer is found.

        Every transaction locks its idempotency keys in the order of these tuples.
        """
        return (self.caller, self.route, self.key)


def outcome_of(word: str) -> Outcome:
    """Parse a stored outcome. Raises KeyError if it is unknown."""
    return _WORDS[word]

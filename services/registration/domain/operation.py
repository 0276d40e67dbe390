"""One caller's wish on its way through the register, and what the caller is told."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

import msgspec

from registration.domain.decide import Command, Reason, RegisterCommand


class OperationFault(StrEnum):
    """Why a wish is refused before any rule is asked, or although all agree."""

    KEY_REUSED = "idempotency-key-reused"
    """The key was used for another request."""
    UNSTORABLE = "unstorable"
    """PostgreSQL refuses a value that no rule foresaw."""
    SCOPE_EXISTS = "scope-exists"
    """A campaign or agency with this id is open under another name."""


DONE: Final = "done"
PENDING: Final = "pending"
Outcome = Literal["done"] | Reason | OperationFault

_WORDS: Final[dict[str, Outcome]] = {DONE: DONE, **{word: word for word in (*Reason, *OperationFault)}}


OutcomeTuple = tuple[Outcome, UUID | None, str | None, int | None]
"""What is told of an operation: the outcome, the participant, their region and revision."""


class Answer(msgspec.Struct, frozen=True):
    """What the caller is told: `done` with the participant as it then stood, or the reason of a refusal.

    `replayed` where an earlier request with the same key was told so.
    """

    outcome: Outcome
    participant_id: UUID | None = None
    region: str | None = None
    revision: int | None = None
    recorded_at: datetime | None = None
    replayed: bool = False


class Operation(msgspec.Struct, frozen=True):
    """A command with its caller's key; `body_hmac` tells whether a second request is the same one."""

    caller: str
    route: str
    key: str
    body_hmac: bytes
    command: Command
    channel: str
    traceparent: str | None = None

    @property
    def place(self) -> tuple[str, str, str]:
        """What makes a key unique, and the order in which keys are locked."""
        return (self.caller, self.route, self.key)

    def expected_answer(self) -> tuple[str, UUID, str | None, int | None]:
        """The answer if all goes as usual, written with the key so that it need not be written again."""
        if isinstance(self.command, RegisterCommand):
            return (DONE, self.command.id, self.command.standing.region, 1)
        return (PENDING, self.command.id, None, None)


def outcome_of(word: str) -> Outcome:
    """The outcome that a stored word stands for."""
    return _WORDS[word]

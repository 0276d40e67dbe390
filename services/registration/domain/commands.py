"""The commands on a participant: register, move, complete steps, correct, withdraw, merge.

A command contains ids, times and personal data. In these data, NIK and phone number are encrypted already.
`domain.decision.decide` decides what a command changes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from registration.domain.participant import Person, Standing


class RegisterCommand(msgspec.Struct, frozen=True):
    """Register a person. `id` becomes the participant's id, unless the register already has the NIK."""

    id: UUID
    standing: Standing
    person: Person


class ChangeCommand(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of every command on an existing participant.

    `expected_revision` is the revision in the If-Match header; None if the caller sent no such header.
    """

    id: UUID
    expected_revision: int | None = None
    occurred_at: datetime | None = None


class MoveCommand(ChangeCommand, frozen=True, kw_only=True):
    """Count the participant in another kelurahan from now on."""

    region: str


class CompleteStepsCommand(ChangeCommand, frozen=True, kw_only=True):
    """Add completed steps to the participant. Each step is one of P2 to P7."""

    steps: tuple[str, ...]


class CorrectCommand(ChangeCommand, frozen=True, kw_only=True):
    """Correct wrong fields of a participant.

    `standing` has new values by the field names of Standing, `person` by the field names of Person.
    """

    standing: dict[str, Any]
    person: dict[str, Any]


class WithdrawCommand(ChangeCommand, frozen=True, kw_only=True):
    """End the participation."""


class MergeCommand(ChangeCommand, frozen=True, kw_only=True):
    """Merge participant `id` into participant `into`, because both are the same person."""

    into: UUID


Command = (
    RegisterCommand | MoveCommand | CompleteStepsCommand | CorrectCommand | WithdrawCommand | MergeCommand
)

"""Decides commands: returns the events that a command causes, or the reason for which it is refused.

The functions do no I/O and read no clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from registration.domain.commands import (
    ChangeCommand,
    Command,
    CompleteStepsCommand,
    CorrectCommand,
    MergeCommand,
    MoveCommand,
    RegisterCommand,
    WithdrawCommand,
)
from registration.domain.participant import PUBLIC_CHANNEL, Participant, Status


class Reason(StrEnum):
    """Why a command is refused. The value also ends the URI `type` of the API's problem response."""

    DUPLICATE = "duplicate-participant"
    UNKNOWN = "participant-not-found"
    STALE = "revision-stale"
    WITHDRAWN = "participant-withdrawn"
    MERGED = "participant-merged"
    SAME_REGION = "region-unchanged"
    STEP_COMPLETED = "step-already-completed"
    NOTHING_CORRECTED = "nothing-corrected"
    MERGE_WITH_ITSELF = "merge-with-itself"
    MERGE_UNKNOWN = "merge-target-not-found"
    MERGE_NOT_REGISTERED = "merge-target-not-registered"


class EventType(StrEnum):
    """The type of an event, in the CloudEvents field `type`."""

    REGISTERED = "id.jakpreneur.participant.registered.v1"
    MOVED = "id.jakpreneur.participant.moved.v1"
    STEP_COMPLETED = "id.jakpreneur.participant.step-completed.v1"
    CORRECTED = "id.jakpreneur.participant.corrected.v1"
    WITHDRAWN = "id.jakpreneur.participant.withdrawn.v1"
    MERGED = "id.jakpreneur.participant.merged.v1"


class Refused(msgspec.Struct, frozen=True):
    """A decision that the command changes nothing."""

    reason: Reason


class Event(msgspec.Struct, frozen=True):
    """A change of one participant. `before` is None if the register did not have the participant yet."""

    type: EventType
    before: Participant | None
    after: Participant
    occurred_at: datetime | None

    @property
    def former(self) -> Participant | None:
        """The withdrawn participant that registers again; None if the event is no such return."""
        return self.before if self.type is EventType.REGISTERED else None


Decision = tuple[Event, ...] | Refused


def decide(command: Command, participant: Participant | None, into: Participant | None = None) -> Decision:
    """Return the events of a command, or its refusal.

    `participant` is the participant that the command names; None if the register does not have it. `into` is
    the participant that a merge keeps. A merge yields two events: the first concerns the participant that is
    merged away, the second the participant that is kept. Every other command yields one event.
    """
    if isinstance(command, RegisterCommand):
        return _register(command, participant)
    if participant is None:
        return Refused(Reason.UNKNOWN)
    if command.expected_revision is not None and command.expected_revision != participant.revision:
        return Refused(Reason.STALE)
    if participant.status is not Status.REGISTERED:
        return Refused(Reason.WITHDRAWN if participant.status is Status.WITHDRAWN else Reason.MERGED)
    if isinstance(command, MergeCommand):
        return _merge(command, participant, into)
    return _RULES[type(command)](command, participant)


def _register(command: RegisterCommand, known: Participant | None) -> Decision:
    occurred_at = command.person.occurred_at
    if known is None:
        new = Participant(command.id, Status.REGISTERED, command.standing, 1, command.person)
        return (Event(EventType.REGISTERED, None, new, occurred_at),)
    if known.status is not Status.WITHDRAWN or command.person.channel == PUBLIC_CHANNEL:
        # A public registration proves only that somebody knows the NIK. Staff decide about a return.
        return Refused(Reason.DUPLICATE)
    again = Participant(known.id, Status.REGISTERED, command.standing, known.revision + 1, command.person)
    return (Event(EventType.REGISTERED, known, again, occurred_at),)


def _move(command: MoveCommand, participant: Participant) -> Decision:
    if command.region == participant.standing.region:
        return Refused(Reason.SAME_REGION)
    standing = msgspec.structs.replace(participant.standing, region=command.region)
    return _single_event(EventType.MOVED, command, participant, standing=standing)


def _complete(command: CompleteStepsCommand, participant: Participant) -> Decision:
    steps = tuple(sorted({*participant.standing.steps, *command.steps}))
    if steps == participant.standing.steps:
        return Refused(Reason.STEP_COMPLETED)
    standing = msgspec.structs.replace(participant.standing, steps=steps)
    return _single_event(EventType.STEP_COMPLETED, command, participant, standing=standing)


def _correct(command: CorrectCommand, participant: Participant) -> Decision:
    standing = msgspec.structs.replace(participant.standing, **command.standing)
    person = msgspec.structs.replace(participant.person, **command.person)
    if standing == participant.standing and person == participant.person:
        return Refused(Reason.NOTHING_CORRECTED)
    return _single_event(EventType.CORRECTED, command, participant, standing=standing, person=person)


def _withdraw(command: WithdrawCommand, participant: Participant) -> Decision:
    return _single_event(EventType.WITHDRAWN, command, participant, status=Status.WITHDRAWN)


def _merge(command: MergeCommand, merged: Participant, kept: Participant | None) -> Decision:
    if command.into == merged.id:
        return Refused(Reason.MERGE_WITH_ITSELF)
    if kept is None:
        return Refused(Reason.MERGE_UNKNOWN)
    if kept.status is not Status.REGISTERED:
        return Refused(Reason.MERGE_NOT_REGISTERED)
    steps = tuple(sorted({*kept.standing.steps, *merged.standing.steps}))
    standing = msgspec.structs.replace(kept.standing, steps=steps)
    return (
        *_single_event(EventType.MERGED, command, merged, status=Status.MERGED, merged_into=kept.id),
        *_single_event(EventType.MERGED, command, kept, standing=standing),
    )


def _single_event(
    kind: EventType, command: ChangeCommand, before: Participant, **changed: Any
) -> tuple[Event]:
    after = msgspec.structs.replace(before, revision=before.revision + 1, **changed)
    return (Event(kind, before, after, command.occurred_at),)


_RULES: Final[dict[type, Callable[[Any, Participant], Decision]]] = {
    MoveCommand: _move,
    CompleteStepsCommand: _complete,
    CorrectCommand: _correct,
    WithdrawCommand: _withdraw,
}

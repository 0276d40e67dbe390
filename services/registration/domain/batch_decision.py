"""Applies a batch of operations in order, and returns the events, outcomes and changed participants.

The functions do no I/O. They get new ids from the argument `new_id`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from registration.domain.cloud_event import EventDraft
from registration.domain.commands import Command, MergeCommand, RegisterCommand
from registration.domain.decision import Decision, Refused, decide
from registration.domain.idempotent_operation import DONE, Answer, Operation, OutcomeTuple
from registration.domain.participant import Participant


class KnownParticipants:
    """Participants in memory, found by id or by NIK fingerprint. A batch reads and updates them."""

    def __init__(self, participants: Iterable[Participant]) -> None:
        self._by_id: dict[UUID, Participant] = {}
        self._by_nik: dict[bytes, UUID] = {}
        for participant in participants:
            self.put(participant)

    def put(self, participant: Participant) -> None:
        """Add a participant, or replace the earlier state of the same participant."""
        self._by_id[participant.id] = participant
        if participant.person.nik_hmac is not None:
            self._by_nik[participant.person.nik_hmac] = participant.id

    def get(self, participant_id: UUID | None) -> Participant | None:
        """Return the participant with this id; None if it is unknown or the id is None."""
        return self._by_id.get(participant_id) if participant_id is not None else None

    def decide(self, command: Command) -> Decision:
        """Decide a command by the current state of the participants that it concerns."""
        if isinstance(command, RegisterCommand):
            assert command.person.nik_hmac is not None, "a registration has a NIK"
            return decide(command, self.get(self._by_nik.get(command.person.nik_hmac)))
        into = self.get(command.into) if isinstance(command, MergeCommand) else None
        return decide(command, self.get(command.id), into)


@dataclass(slots=True)
class BatchResult:
    """The result of applying a batch.

    `outcomes` has one outcome for each operation, in the same order. `changed` has the changed participants
    by id.
    """

    outcomes: list[OutcomeTuple] = field(default_factory=list)
    drafts: list[EventDraft] = field(default_factory=list)
    changed: dict[UUID, Participant] = field(default_factory=dict)

    def answers(self, recorded_at: datetime) -> list[Answer]:
        """Return an answer for each outcome. `recorded_at` is the time of the transaction."""
        return [Answer(*outcome, recorded_at) for outcome in self.outcomes]


def apply(
    operations: Iterable[Operation], known: KnownParticipants, new_id: Callable[[], UUID]
) -> BatchResult:
    """Apply operations in order and update `known`. Each operation sees the changes of earlier operations."""
    result = BatchResult()
    for operation in operations:
        decision = known.decide(operation.command)
        if isinstance(decision, Refused):
            result.outcomes.append((decision.reason, None, None, None))
            continue
        for event in decision:
            known.put(event.after)
            result.changed[event.after.id] = event.after
            result.drafts.append(EventDraft(new_id(), event, operation.channel, operation.traceparent))
        after = decision[0].after
        result.outcomes.append((DONE, after.id, after.standing.region, after.revision))
    return result


def ids_needed(operations: Iterable[Operation]) -> set[UUID]:
    """Return the ids of existing participants that the operations name; a registration names none."""
    ids: set[UUID] = set()
    for operation in operations:
        if not isinstance(operation.command, RegisterCommand):
            ids.add(operation.command.id)
            if isinstance(operation.command, MergeCommand):
                ids.add(operation.command.into)
    return ids


def niks_needed(operations: Iterable[Operation]) -> set[bytes | None]:
    """Return the NIK fingerprints of the people that the operations register."""
    commands = (operation.command for operation in operations)
    return {command.person.nik_hmac for command in commands if isinstance(command, RegisterCommand)}

"""What a batch of operations does to the participants it met, one operation after another.

Pure: ids come in as an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from registration.domain.decide import Command, Decision, MergeCommand, Refused, RegisterCommand, decide
from registration.domain.event import EventDraft
from registration.domain.operation import DONE, Answer, Operation, OutcomeTuple
from registration.domain.participant import Participant


class KnownParticipants:
    """The participants that a batch can see, by id and by NIK fingerprint."""

    def __init__(self, participants: Iterable[Participant]) -> None:
        self._by_id: dict[UUID, Participant] = {}
        self._by_nik: dict[bytes, UUID] = {}
        for participant in participants:
            self.put(participant)

    def put(self, participant: Participant) -> None:
        """Take in a participant's newest state."""
        self._by_id[participant.id] = participant
        if participant.person.nik_hmac is not None:
            self._by_nik[participant.person.nik_hmac] = participant.id

    def get(self, participant_id: UUID | None) -> Participant | None:
        """The participant of an id."""
        return self._by_id.get(participant_id) if participant_id is not None else None

    def decide(self, command: Command) -> Decision:
        """What follows from a command here and now."""
        if isinstance(command, RegisterCommand):
            assert command.person.nik_hmac is not None, "nobody registers without a NIK"
            return decide(command, self.get(self._by_nik.get(command.person.nik_hmac)))
        into = self.get(command.into) if isinstance(command, MergeCommand) else None
        return decide(command, self.get(command.id), into)


@dataclass(slots=True)
class BatchResult:
    """What is told in the order of the operations, the events, and the participants that changed."""

    told: list[OutcomeTuple] = field(default_factory=list)
    drafts: list[EventDraft] = field(default_factory=list)
    changed: dict[UUID, Participant] = field(default_factory=dict)

    @property
    def all_new(self) -> bool:
        """Whether every operation registered somebody of its own, and nothing else happened."""
        return len(self.drafts) == len(self.told) == len(self.newcomers())

    def newcomers(self) -> dict[bytes, Participant]:
        """Those registered who were not known, as they registered, by the fingerprint of their NIK."""
        new = (draft.happened.after for draft in self.drafts if draft.happened.before is None)
        return {after.person.nik_hmac: after for after in new if after.person.nik_hmac is not None}

    def answers(self, recorded_at: datetime) -> list[Answer]:
        """What is told, with the time at which it came true."""
        return [Answer(*told, recorded_at) for told in self.told]


def apply(
    operations: Iterable[Operation], world: KnownParticipants, new_id: Callable[[], UUID]
) -> BatchResult:
    """Apply operations in their order; each sees what those before it did."""
    applied = BatchResult()
    for operation in operations:
        decision = world.decide(operation.command)
        if isinstance(decision, Refused):
            applied.told.append((decision.reason, None, None, None))
            continue
        for happened in decision:
            world.put(happened.after)
            applied.changed[happened.after.id] = happened.after
            applied.drafts.append(EventDraft(new_id(), happened, operation.channel, operation.traceparent))
        after = decision[0].after
        applied.told.append((DONE, after.id, after.standing.region, after.revision))
    return applied


def ids_needed(operations: Iterable[Operation]) -> set[UUID]:
    """The participants that the operations name."""
    ids: set[UUID] = set()
    for operation in operations:
        if not isinstance(operation.command, RegisterCommand):
            ids.add(operation.command.id)
            if isinstance(operation.command, MergeCommand):
                ids.add(operation.command.into)
    return ids

"""The register's tables in memory, and the correct counts at each position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from registration.domain.batch_decision import KnownParticipants, apply
from registration.domain.cloud_event import EventDraft, number_event
from registration.domain.commands import RegisterCommand
from registration.domain.idempotent_operation import Answer, Operation
from registration.domain.participant import Participant, Standing
from registration.domain.participant_partition import partition_of

PARTITIONS = 2
RECORDED_AT = datetime(2021, 10, 24, 12, 5, tzinfo=UTC)
Cell = tuple[str, str, str]
"""(scope, region, measure)"""


class Row(msgspec.Struct, frozen=True):
    """An event's record value, and the standings before and after the event."""

    value: bytes
    before: Standing | None
    after: Standing | None


class Register:
    """The committed participants, answers by idempotency key, and events.

    `published` has, for each partition, the last sequence that the relay has published.
    """

    def __init__(self) -> None:
        self.participants: dict[UUID, Participant] = {}
        self.answers: dict[str, Answer] = {}
        self.events: list[dict[int, Row]] = [{} for _ in range(PARTITIONS)]
        self.last = [0] * PARTITIONS
        self.published = [0] * PARTITIONS
        self.commits = 0
        self.written: Counter[str | None] = Counter()
        """How often each request was executed, by the trace id of its events."""
        self._locks: set[object] = set()
        self._ids = 0
        self._counts: dict[tuple[int, int], Counter[Cell]] = {}

    def new_id(self) -> UUID:
        """Return an unused id."""
        self._ids += 1
        return UUID(int=self._ids << 64)

    def begin(self, operation: Operation) -> Transaction | None:
        """Execute an operation up to its commit; return None if a lock is held by another transaction."""
        replay = self.answers.get(operation.key)
        if replay is not None:
            return Transaction(self, operation, msgspec.structs.replace(replay, replayed=True), [], set())
        applied = apply([operation], KnownParticipants(self.participants.values()), self.new_id)
        locks = {operation.key, *self._rows(operation, applied.drafts)}
        if locks & self._locks:
            return None
        self._locks |= locks
        return Transaction(
            self, operation, applied.answers(RECORDED_AT)[0], self.numbered(applied.drafts), locks
        )

    def _rows(self, operation: Operation, drafts: Iterable[EventDraft]) -> Iterable[object]:
        if isinstance(operation.command, RegisterCommand):
            yield operation.command.person.nik_hmac
        else:
            yield operation.command.id
        for draft in drafts:
            yield draft.event.after.id
            yield draft.event.after.person.nik_hmac
            yield from self.sequence_locks(draft.partition)

    def sequence_locks(self, partition: int) -> Iterable[object]:
        """Return a partition's locks, which let only one transaction at a time assign its sequences."""
        yield partition

    def numbered(self, drafts: Iterable[EventDraft]) -> list[tuple[int, EventDraft]]:
        """Assign sequences to events. The caller holds the locks of their partitions."""
        last = list(self.last)
        found = []
        for draft in drafts:
            last[draft.partition] += 1
            found.append((last[draft.partition], draft))
        return found

    def release(self, locks: set[object]) -> None:
        """Release the locks of a transaction."""
        self._locks -= locks

    def store(self, sequence: int, draft: EventDraft) -> None:
        """Store an event and its participant, as part of a commit."""
        happened, partition = draft.event, draft.partition
        before = happened.before.counted_standing if happened.before is not None else None
        value = number_event(draft, sequence, RECORDED_AT).value.encode()
        self.participants[happened.after.id] = happened.after
        self.events[partition][sequence] = Row(value, before, happened.after.counted_standing)
        self.last[partition] = max(self.last[partition], sequence)
        for outdated in [key for key in self._counts if key[0] == partition and key[1] >= sequence]:
            del self._counts[outdated]

    def expected_counts(self, partition: int, position: int) -> Counter[Cell]:
        """Return the counts of one partition at a position, by adding the events one at a time."""
        if position == 0:
            return Counter()
        found = self._counts.get((partition, position))
        if found is None:
            found = self.expected_counts(partition, position - 1).copy()
            found.update(self.change(partition, position))
            self._counts[partition, position] = found
        return found

    def change(self, partition: int, sequence: int) -> Counter[Cell]:
        """Return how one event changes the counts."""
        row = self.events[partition].get(sequence)
        change: Counter[Cell] = Counter()
        if row is not None:
            change.update(_cells(row.after))
            change.subtract(_cells(row.before))
        return change

    def find_by_nik(self, nik_hmac: bytes) -> Participant | None:
        """Return the participant with this NIK, or None."""
        for participant in self.participants.values():
            if participant.person.nik_hmac == nik_hmac:
                return participant
        return None


class Transaction:
    """An operation that is executed and not committed yet."""

    def __init__(
        self,
        register: Register,
        operation: Operation,
        answer: Answer,
        events: list[tuple[int, EventDraft]],
        locks: set[object],
    ) -> None:
        self.answer = answer
        self._register = register
        self._operation = operation
        self._events = events
        self._locks = locks

    def commit(self) -> None:
        """Store the answer and all events, and release the locks."""
        self._register.commits += 1
        self._register.answers.setdefault(self._operation.key, self.answer)
        for sequence, draft in self._events:
            assert partition_of(draft.event.after.id) == draft.partition
            self._register.store(sequence, draft)
        self._register.written[self._operation.traceparent] += bool(self._events)
        self.end()

    def end(self) -> None:
        """Release the locks. If the transaction is not committed, this rolls it back."""
        self._register.release(self._locks)
        self._locks = set()


def _cells(standing: Standing | None) -> list[Cell]:
    if standing is None:
        return []
    scopes = ["all", *([f"campaign:{standing.campaign}"] if standing.campaign else [])]
    stock = ["stock"] if standing.stock else []
    measures = ["registered", *stock, *(f"step:{step}" for step in standing.steps)]
    return [
        (scope, region, measure)
        for scope in scopes
        for region in (standing.region, standing.region[:8], standing.region[:5], standing.region[:2])
        for measure in measures
    ]

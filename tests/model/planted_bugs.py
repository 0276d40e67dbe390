"""Eight bugs that the model must find, each planted in one part of the system."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aggregator.domain.event_fold import Fold, fold
from aggregator.domain.roll_up import TallyChanges
from aggregator.tallies.tally_store import PositionChange, TallyStore
from cuts.records import CutRecord
from cuts.state import ApplyResult, CutState
from faults.planted.replacements.counting import fold_from_the_stored_position, fold_past_gaps
from faults.planted.replacements.terms import apply_in_any_term
from kafka.abandonable_producer import OpenProducer
from outbox.publisher import Pending, Publisher
from outbox.source import PublishedMove as Advance
from registration.domain.cloud_event import EventDraft
from registration.domain.idempotent_operation import Operation
from tests.model.boards import Board
from tests.model.intake import Api, Request, with_new_key
from tests.model.notifiers import NotifierDatabase
from tests.model.register import PARTITIONS, Register, Transaction
from tests.model.relays import Relay
from tests.model.system_model import SystemModel
from tests.model.workers import TallyClient, TallyDatabase, Worker


@dataclass(frozen=True)
class Bug:
    """A bug, which replaces either one part of the system or the product's `fold`."""

    name: str
    system_type: type[SystemModel] = SystemModel
    fold: Callable[..., Fold] = fold


class AnswersBeforeCommit(Api):
    """An API that answers before the commit."""

    async def before_commit(self, request: Request, transaction: Transaction) -> None:
        self.answer_request(request, transaction.answer)
        await super().before_commit(request, transaction)


class RetriesWithoutKey(Api):
    """An API that repeats the operation of an ambiguous commit with a new idempotency key."""

    def retried(self, operation: Operation) -> Operation:
        return with_new_key(operation)


class PositionOutsideTransaction(TallyClient):
    """Stores the counts in one transaction and the position in a later transaction."""

    async def count(
        self, position_changes: Mapping[int, PositionChange], tally_changes: TallyChanges
    ) -> bool:
        await self._interruption_point()
        for partition, change in position_changes.items():
            if self._stored.tallies.stored[partition] != change.before:
                return False
        self._stored.tallies.counts.update(tally_changes.changes)
        self._stored.record_change(position_changes, tally_changes)
        await self._interruption_point()
        return await self._stored.count(position_changes, TallyChanges())


class WorkerWithPositionOutside(Worker):
    """A worker that counts with PositionOutsideTransaction."""

    def tally_store(self, stored: TallyDatabase) -> TallyStore:
        return PositionOutsideTransaction(stored, self.driver.interruption_point)


class PlainSequence(Register):
    """A register that assigns sequences outside the transactions, so that events commit out of order."""

    def __init__(self) -> None:
        super().__init__()
        self._counters = [0] * PARTITIONS

    def sequence_locks(self, partition: int) -> Iterable[object]:
        return ()

    def numbered(self, drafts: Iterable[EventDraft]) -> list[tuple[int, EventDraft]]:
        found = []
        for draft in drafts:
            self._counters[draft.partition] += 1
            found.append((self._counters[draft.partition], draft))
        return found


class PublishesAboveLast(Publisher):
    """Publishes every event above the last published sequence, also beyond a hole."""

    async def _send(self, producer: OpenProducer, pending: Sequence[Pending], term: int) -> None:
        without_holes = [
            partition._replace(
                records=[
                    record._replace(sequence=partition.published + number)
                    for number, record in enumerate(partition.records, start=1)
                ]
            )
            for partition in pending
        ]
        await super()._send(producer, without_holes, term)
        for partition in pending:
            sent = self._in_flight.get(partition.partition)
            if sent is not None:
                last = partition.records[sent.move.to - sent.move.expected - 1].sequence
                move = Advance(partition.partition, sent.move.expected, last)
                self._in_flight[partition.partition] = replace(sent, move=move)


class RelayPublishingAboveLast(Relay):
    """A relay with PublishesAboveLast."""

    publisher_type = PublishesAboveLast


class NoUniqueLatch(NotifierDatabase):
    """Latches every crossing, even if it is latched already."""

    def is_new(self, id: object) -> bool:  # noqa: A002 - the name in the overridden method
        return True


class IgnoresTerm(CutState):
    """A reader that compares cuts only within a term, and accepts every record of another term."""

    def apply(self, record: CutRecord) -> ApplyResult:
        return apply_in_any_term(self, record)


class BoardIgnoringTerm(Board):
    """A board with IgnoresTerm."""

    def new_state(self) -> CutState:
        return IgnoresTerm()


class _AnswersBeforeCommit(SystemModel):
    api_type = AnswersBeforeCommit


class _RetriesWithoutKey(SystemModel):
    api_type = RetriesWithoutKey


class _PositionOutsideTransaction(SystemModel):
    worker_type = WorkerWithPositionOutside


class _PlainSequence(SystemModel):
    register_type = PlainSequence
    relay_type = RelayPublishingAboveLast


class _NoUniqueLatch(SystemModel):
    notifier_database_type = NoUniqueLatch


class _IgnoresTerm(SystemModel):
    board_type = BoardIgnoringTerm


BUGS: Final = (
    Bug("answer before the commit", _AnswersBeforeCommit),
    Bug("position stored outside the transaction", _PositionOutsideTransaction),
    Bug("event compared with the stored position", fold=fold_from_the_stored_position),
    Bug("sequence assigned outside the transaction", _PlainSequence),
    Bug("ambiguous commit retried without its key", _RetriesWithoutKey),
    Bug("no unique latch", _NoUniqueLatch),
    Bug("readers ignore the term", _IgnoresTerm),
    Bug("events counted beyond a gap", fold=fold_past_gaps),
)

"""Eight bugs that the model must find, each planted in one part of the world."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from aggregator.domain.counting import Fold, TallyChanges, fold
from aggregator.tallies.tally_store import PositionMove, TallyStore
from cuts.records import CutRecord
from cuts.state import ApplyResult, CutState
from faults.planted.counting import fold_from_the_stored_position, fold_past_gaps
from faults.planted.terms import apply_in_any_term
from outbox.leadership import Leadership
from outbox.publisher import Pending, Publisher
from outbox.source import PublishedMove as Advance
from outbox.source import Source
from registration.domain.event import EventDraft
from registration.domain.operation import Operation
from tests.model.boards import Board
from tests.model.event_topic import Producer
from tests.model.intake import Api, Wish, untold
from tests.model.notifiers import Latches
from tests.model.register import PARTITIONS, Register, Transaction
from tests.model.relays import Relay
from tests.model.system_model import World
from tests.model.workers import Asked, Stored, Worker


@dataclass(frozen=True)
class Bug:
    """A world with one part replaced, and where the bug lies in a rule of the product, that rule."""

    name: str
    world_of: type[World] = World
    fold: Callable[..., Fold] = fold


class TellsTooEarly(Api):
    """201 before the commit."""

    async def decided(self, wish: Wish, transaction: Transaction) -> None:
        self.tell(wish, transaction.answer)
        await super().decided(wish, transaction)


class RetriesWithoutItsKey(Api):
    """An ambiguous commit is run again as if it were another request."""

    def again(self, operation: Operation) -> Operation:
        return untold(operation)


class TwoStatements(Asked):
    """The position is stored outside the transaction of the counts."""

    async def count(self, moves: Mapping[int, PositionMove], sums: TallyChanges) -> bool:
        await self._here()
        for partition, move in moves.items():
            if self._stored.tallies.stored[partition] != move.place:
                return False
        self._stored.tallies.counts.update(sums.changes)
        self._stored.note(moves, sums)
        await self._here()
        return await self._stored.count(moves, TallyChanges())


class WorkerOfTwoStatements(Worker):
    """Asks the database so."""

    def asked(self, stored: Stored) -> TallyStore:
        return TwoStatements(stored, self.driver.here)


class PlainSequence(Register):
    """Sequences come from a counter that no transaction holds: they are visible in another order."""

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


class AboveTheLast(Publisher):
    """Sends whatever lies above the last id."""

    async def _send(self, pending: Sequence[Pending], term: int) -> None:
        without_holes = [
            each._replace(
                records=[
                    record._replace(sequence=each.published + place)
                    for place, record in enumerate(each.records, start=1)
                ]
            )
            for each in pending
        ]
        await super()._send(without_holes, term)
        for each in pending:
            sent = self._in_flight.get(each.partition)
            if sent is not None:
                last = each.records[sent.move.to - sent.move.expected - 1].sequence
                move = Advance(each.partition, sent.move.expected, last)
                self._in_flight[each.partition] = replace(sent, move=move)


class RelayAboveTheLast(Relay):
    """Relays so."""

    def publisher(
        self,
        source: Source,
        lease: Leadership,
        open_producer: Callable[[Mapping[str, Any], int], Coroutine[Any, Any, Producer]],
    ) -> Publisher:
        return self.built(AboveTheLast, source, lease, open_producer)


class NoUniqueLatch(Latches):
    """Whatever is to be latched is."""

    def is_new(self, id: object) -> bool:  # noqa: A002 - as the method it replaces
        return True


class IgnoresTerm(CutState):
    """Keeps the order of one term's cuts, and takes whatever another term brings as the next."""

    def apply(self, record: CutRecord) -> ApplyResult:
        return apply_in_any_term(self, record)


class CredulousBoard(Board):
    """Shows what such a reader knows."""

    def empty(self) -> CutState:
        return IgnoresTerm()


class _ToldTooEarly(World):
    api_of = TellsTooEarly


class _WithoutItsKey(World):
    api_of = RetriesWithoutItsKey


class _TwoStatements(World):
    worker_of = WorkerOfTwoStatements


class _PlainSequence(World):
    register_of = PlainSequence
    relay_of = RelayAboveTheLast


class _NoUniqueLatch(World):
    latches_of = NoUniqueLatch


class _Credulous(World):
    board_of = CredulousBoard


BUGS: Final = (
    Bug("201 before the commit", _ToldTooEarly),
    Bug("position stored outside the transaction", _TwoStatements),
    Bug("compared with the stored position", fold=fold_from_the_stored_position),
    Bug("id above the last over a plain sequence", _PlainSequence),
    Bug("ambiguous commit retried without its key", _WithoutItsKey),
    Bug("no unique latch", _NoUniqueLatch),
    Bug("readers ignore the term", _Credulous),
    Bug("counted past a gap", fold=fold_past_gaps),
)

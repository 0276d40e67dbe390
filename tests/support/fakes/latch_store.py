"""A latch store in memory: a fake of `notifier.cut_evaluator.LatchStorePort`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from notifier.domain.alerts import Message, Recipient, crossing_id, plan_messages
from notifier.domain.evaluation_progress import Advance, EvaluatedCut
from notifier.domain.milestones import Crossing, LatchKey, LatchState, Retraction
from notifier.domain.rules import Key


class MemoryLatchStore:
    """Latches and planned messages. The next `failures` calls of `record` raise ConnectionError."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.failures = 0
        self.evaluated: EvaluatedCut | None = None
        self._known: dict[LatchKey, LatchState] = {}
        self._ids: set[UUID] = set()
        self._bases: dict[str, dict[Key, int]] = {}

    async def latches(self) -> dict[LatchKey, LatchState]:
        return dict(self._known)

    async def bases(self) -> dict[str, dict[Key, int]]:
        return dict(self._bases)

    async def open_epoch(self, name: str, cut: str, counts: Mapping[Key, int]) -> None:
        self._bases.setdefault(name, dict(counts))

    async def evaluated_cut(self) -> EvaluatedCut | None:
        return self.evaluated

    async def advance(self, advance: Advance) -> bool:
        if self.evaluated is not None and (
            advance.known is None or self.evaluated.version != advance.known.version
        ):
            return False
        self.evaluated = advance.to
        return True

    async def confirm(self, latches: Sequence[LatchKey], register_epoch: int) -> None:
        for key in latches:
            known = self._known[key]
            self._known[key] = replace(known, register_epoch=max(known.register_epoch, register_epoch))

    async def record(
        self,
        crossings: Sequence[Crossing],
        retractions: Sequence[Retraction],
        recipients: Sequence[Recipient],
        advance: Advance | None = None,
    ) -> list[Crossing] | None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the database is down")
        if advance is not None and not await self.advance(advance):
            return None
        for retraction in retractions:
            self._known[retraction.key] = replace(self._known[retraction.key], retracted=True)
        new = [crossing for crossing in crossings if crossing_id(crossing) not in self._ids]
        for crossing in new:
            self._ids.add(crossing_id(crossing))
            self._known[crossing.key] = LatchState(crossing.number, register_epoch=crossing.register_epoch)
        self.messages += plan_messages(new, recipients)
        return new

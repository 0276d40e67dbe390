"""A latch store in memory: a fake of `notifier.cut_evaluator.LatchStorePort`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from notifier.domain.alerts import Message, Recipient, crossing_id, plan_messages
from notifier.domain.milestones import Crossing, LatchKey, LatchState, Retraction
from notifier.domain.rules import Key


class MemoryLatchStore:
    """Latches and planned messages. The next `failures` calls of `record` raise ConnectionError."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.failures = 0
        self._known: dict[LatchKey, LatchState] = {}
        self._ids: set[UUID] = set()
        self._bases: dict[str, dict[Key, int]] = {}

    async def latches(self) -> dict[LatchKey, LatchState]:
        return dict(self._known)

    async def bases(self) -> dict[str, dict[Key, int]]:
        return dict(self._bases)

    async def open_epoch(self, name: str, cut: str, counts: Mapping[Key, int]) -> None:
        self._bases.setdefault(name, dict(counts))

    async def record(
        self,
        crossings: Sequence[Crossing],
        retractions: Sequence[Retraction],
        recipients: Sequence[Recipient],
    ) -> list[Crossing]:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the database is down")
        for retraction in retractions:
            self._known[retraction.key] = LatchState(retraction.number, retracted=True)
        new = [crossing for crossing in crossings if crossing_id(crossing) not in self._ids]
        for crossing in new:
            self._ids.add(crossing_id(crossing))
            self._known[crossing.key] = LatchState(crossing.number)
        self.messages += plan_messages(new, recipients)
        return new

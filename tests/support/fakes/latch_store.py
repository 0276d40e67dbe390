"""A latch store in memory that keeps the promises of `notifier.cut_evaluator.Latches`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from notifier.domain.alerts import Message, Recipient, crossing_id, plan
from notifier.domain.milestones import Crossing, Latched, LatchKey, Rearmed
from notifier.domain.rules import Key


class MemoryLatches:
    """Latches, what was told, and, for tests of failures, how often the next `record` fails."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.failures = 0
        self._known: dict[LatchKey, Latched] = {}
        self._ids: set[UUID] = set()
        self._bases: dict[str, dict[Key, int]] = {}

    async def latches(self) -> dict[LatchKey, Latched]:
        return dict(self._known)

    async def bases(self) -> dict[str, dict[Key, int]]:
        return dict(self._bases)

    async def open_epoch(self, name: str, cut: str, counts: Mapping[Key, int]) -> None:
        self._bases.setdefault(name, dict(counts))

    async def record(
        self, crossings: Sequence[Crossing], rearmed: Sequence[Rearmed], recipients: Sequence[Recipient]
    ) -> list[Crossing]:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the database is away")
        for one in rearmed:
            self._known[one.key] = Latched(one.number, closed=True)
        new = [crossing for crossing in crossings if crossing_id(crossing) not in self._ids]
        for crossing in new:
            self._ids.add(crossing_id(crossing))
            self._known[crossing.key] = Latched(crossing.number)
        self.told += plan(new, recipients)
        return new

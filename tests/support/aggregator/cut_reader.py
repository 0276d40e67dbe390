"""Follows the published cuts as a reader would, and checks each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from cuts.reader import follow_cuts
from cuts.records import CutRecord
from cuts.state import ApplyReason, CutState
from tests.support.topics import Topics

Version = tuple[int, int]


class Reader:
    """The newest cut, every version seen, and what was wrong with any of them."""

    def __init__(self) -> None:
        self.state = CutState()
        self.seen: list[tuple[Version, ApplyReason]] = []
        self.records: list[CutRecord] = []
        self.faults: list[str] = []

    def take(self, record: CutRecord) -> None:
        before = (self.state.version, self.state.positions, self.state.generation)
        reason = self.state.apply(record).reason
        self.seen.append((record.version, reason))
        self.records.append(record)
        if self.state.version < before[0]:
            self.faults.append(f"{self.state.version} after {before[0]}")
        if reason in (ApplyReason.CHANGED, ApplyReason.REPLACED):
            self._check_sums()

    def _check_sums(self) -> None:
        sums: dict[tuple[str, str, str], int] = {}
        for (scope, region, measure), count in self.state.counts.items():
            if "." in region:
                parent = (scope, region.rpartition(".")[0], measure)
                sums[parent] = sums.get(parent, 0) + count
        for key, total in sums.items():
            if self.state.counts.get(key, 0) != total:
                self.faults.append(f"{self.state.id}: {key} is not the sum of its parts")

    def total(self) -> int:
        """The province's count in the newest cut."""
        return self.state.counts.get(("all", "31", "registered"), 0)


@asynccontextmanager
async def reading(topics: Topics) -> AsyncIterator[Reader]:
    """Follow this test's cuts until the end of the block; any fault fails the test."""
    reader = Reader()

    async def follow() -> None:
        async for followed in follow_cuts(topics.settings()):
            reader.take(followed.value)

    task = asyncio.ensure_future(follow())
    try:
        yield reader
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert reader.faults == [], reader.faults[:5]

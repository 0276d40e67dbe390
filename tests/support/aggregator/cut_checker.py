"""A reader of published cuts. It checks that versions never decrease and that region counts add up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cuts.records import CutRecord
from cuts.state import ApplyReason, CutState
from cuts.topic_readers import follow_cuts
from tests.support.background_task import background_task
from tests.support.topic_prefixes import Topics

Version = tuple[int, int]


class CutReader:
    """Holds the newest cut, each record's version and the reason of its application, and the errors found."""

    def __init__(self) -> None:
        self.state = CutState()
        self.versions: list[tuple[Version, ApplyReason]] = []
        self.records: list[CutRecord] = []
        self.errors: list[str] = []

    def apply(self, record: CutRecord) -> None:
        """Apply a record and check the resulting cut."""
        before = (self.state.version, self.state.positions, self.state.generation)
        reason = self.state.apply(record).reason
        self.versions.append((record.version, reason))
        self.records.append(record)
        if self.state.version < before[0]:
            self.errors.append(f"{self.state.version} after {before[0]}")
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
                self.errors.append(f"{self.state.id}: {key} is not the sum of its parts")

    def total(self) -> int:
        """Return the count of the province in the newest cut."""
        return self.state.counts.get(("all", "31", "registered"), 0)


@asynccontextmanager
async def following_cuts(topics: Topics) -> AsyncIterator[CutReader]:
    """Follow the cuts of this test's topics inside the block; any error fails the test."""
    reader = CutReader()

    async def follow() -> None:
        async for followed in follow_cuts(topics.settings()):
            reader.apply(followed.value)

    async with background_task(follow()):
        yield reader
    assert reader.errors == [], reader.errors[:5]

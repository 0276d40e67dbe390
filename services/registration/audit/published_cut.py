"""Knows the newest published cut, as every reader of `region-counts` sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from cuts.reader import follow_cuts
from cuts.state import ApplyReason, CutState
from registration.audit.tallies import Cell
from registration.domain.partitioning import PARTITIONS
from settings.kafka import KafkaSettings


@dataclass(frozen=True, slots=True)
class PublishedCut:
    """A whole cut. `passed_over` are the quarantined (partition, sequence) pairs that it has not counted."""

    id: str
    epoch: int
    positions: tuple[int, ...]
    passed_over: tuple[tuple[int, int], ...]
    passed_over_total: int
    counts: Mapping[Cell, int]


class CutFollower:
    """Follows the cuts; `altered` is set where a cut shows other counts than it did before."""

    def __init__(self) -> None:
        self._state = CutState()
        self.altered = asyncio.Event()

    async def follow(self, kafka: KafkaSettings) -> None:
        """Read cuts for good."""
        async for followed in follow_cuts(kafka):
            version = self._state.version
            applied = self._state.apply(followed.value)
            if applied.reason is ApplyReason.REPLACED and self._state.version == version and applied.changed:
                self.altered.set()

    @property
    def positions(self) -> tuple[int, ...]:
        """How far each partition is counted; nothing is, as long as no cut is known."""
        return self._state.positions if self._state.ready else (0,) * PARTITIONS

    def newest(self) -> PublishedCut | None:
        """The newest whole cut, apart from what comes later."""
        state = self._state
        if not state.ready:
            return None
        return PublishedCut(
            state.id,
            state.epoch,
            state.positions,
            state.quarantined,
            state.quarantined_total,
            dict(state.counts),
        )

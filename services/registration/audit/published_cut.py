"""The newest published cut, read from the topic `region-counts`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from cuts.quarantined_ranges import Range
from cuts.state import CutState
from cuts.topic_readers import follow_cuts
from kafka.settings import KafkaSettings
from registration.audit.tallies import Cell
from registration.domain.participant_partition import PARTITIONS


@dataclass(frozen=True, slots=True)
class PublishedCut:
    """A complete cut. `quarantined` names the ranges of quarantined events, which are not counted.

    `quarantined_unnamed` is the number of quarantined events that no range names. It is 0, unless the
    publisher is of a version that writes no ranges.
    """

    id: str
    epoch: int
    generation: int
    positions: tuple[int, ...]
    quarantined: tuple[Range, ...]
    quarantined_unnamed: int
    counts: Mapping[Cell, int]


class CutFollower:
    """Keeps the newest cut. `content_changed` is set when counts change at unchanged positions."""

    def __init__(self) -> None:
        self._state = CutState()
        self.content_changed = asyncio.Event()

    async def follow(self, kafka: KafkaSettings) -> None:
        """Read the published cuts. Never returns."""
        async for followed in follow_cuts(kafka):
            positions = self.positions
            if self._state.apply(followed.value).changed and self.positions == positions:
                self.content_changed.set()

    @property
    def positions(self) -> tuple[int, ...]:
        """The newest cut's position in each partition; all 0 before the first complete cut."""
        return self._state.positions if self._state.ready else (0,) * PARTITIONS

    def newest(self) -> PublishedCut | None:
        """Return a copy of the newest complete cut; None before the first. Later cuts do not change it."""
        state = self._state
        if not state.ready:
            return None
        return PublishedCut(
            state.id,
            state.epoch,
            state.generation,
            state.positions,
            tuple(state.quarantined),
            state.quarantined_total - state.quarantined.events,
            dict(state.counts),
        )

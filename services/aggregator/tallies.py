"""What counting needs of the place where tallies and positions are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator.counting import Fold
from aggregator.events import Stray


@dataclass(frozen=True, slots=True)
class Place:
    """Where counting stands in one partition: set of tallies, last counted sequence, where to read on."""

    set_id: int
    sequence: int
    offset: int


class Tallies(Protocol):
    """Tallies and positions that move together, or not at all."""

    async def places(self) -> Mapping[int, Place]:
        """The place of each partition in the live set."""

    async def count(self, partition: int, place: Place, fold: Fold) -> bool:
        """Add a fold's changes and move the position, both or neither.

        False where the position is no longer the one the fold began at: another worker was here.
        The call may be repeated after any failure.
        """

    async def note_gap(self, partition: int, place: Place, seen: int) -> None:
        """Remember that a sequence beyond the next one was met, while the position stands at `place`."""

    async def keep_strays(self, partition: int, strays: Sequence[Stray]) -> None:
        """Remember records that have no place in the sequence, once each."""

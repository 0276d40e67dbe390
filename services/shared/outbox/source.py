"""What a publisher needs of a table: the records that come next, and a position that moves past them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol


class Record(NamedTuple):
    """One row to publish. `value` None is a tombstone; the key is never None then."""

    sequence: int
    key: bytes | None
    value: bytes | None


class Pending(NamedTuple):
    """What comes next in one partition: `records` begin at `published` + 1, ascending without a hole, and
    are not empty.
    """

    partition: int
    published: int
    records: Sequence[Record]


class PublishedMove(NamedTuple):
    """A partition's position is to move from `expected` to `to`: the broker has acknowledged all in
    between.
    """

    partition: int
    expected: int
    to: int


class Source(Protocol):
    """The table that is published. Sequences of a partition start at 1 and become visible in order, without
    a hole.
    """

    async def pending(self, records_max: int, skip: Collection[int]) -> Sequence[Pending]:
        """What lies above the stored position of each partition not in `skip`, at most `records_max` each.

        Position and records come from one snapshot; partitions with nothing to publish are left out.
        """

    async def advance(self, moves: Sequence[PublishedMove], term: int) -> int:
        """Move positions, in one statement, and say how many moved.

        Each moves only if it is still at `expected`, and none moves unless `term` leads (`sql/table.sql`
        shows how).
        """

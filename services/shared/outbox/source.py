"""The port to a published table: its pending records, and a stored position per partition."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol


class Record(NamedTuple):
    """One row to publish. A `value` of None is a tombstone, which always has a key."""

    sequence: int
    key: bytes | None
    value: bytes | None


class Pending(NamedTuple):
    """The next records of one partition: not empty, ascending from `published` + 1 without a gap."""

    partition: int
    published: int
    records: Sequence[Record]


class PublishedMove(NamedTuple):
    """A move of a partition's position from `expected` to `to`.

    The broker has acknowledged all records between.
    """

    partition: int
    expected: int
    to: int


class Source(Protocol):
    """The published table.

    The sequences of a partition start at 1 and become visible in order, without a gap.
    """

    async def pending(self, records_max: int, skip: Collection[int]) -> Sequence[Pending]:
        """Return at most `records_max` records above the position of each partition that is not in `skip`.

        Position and records come from one snapshot; partitions without pending records are omitted.
        """

    async def advance(self, moves: Sequence[PublishedMove], term: int) -> int:
        """Move the stored positions in one statement and return how many moved.

        A position moves only if it is still at `expected`, and only if `term` is the term of the lease's
        holder (see `advance` in `sql/table.sql`).
        """

"""The interface to a table whose rows are published: pending records, and a stored position per partition."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol


class Record(NamedTuple):
    """A row to publish. A `value` of None is a tombstone, which always has a key."""

    sequence: int
    key: bytes | None
    value: bytes | None


class Pending(NamedTuple):
    """The next records of one partition, at least one.

    Their sequences ascend from `published` + 1 without a gap.
    """

    partition: int
    published: int
    records: Sequence[Record]


class PublishedMove(NamedTuple):
    """A change of a partition's stored position from `expected` to `to`.

    The broker has acknowledged all records after `expected`, up to and including `to`.
    """

    partition: int
    expected: int
    to: int


class Source(Protocol):
    """The table whose rows are published.

    The sequences of a partition start at 1 and become visible in order, without a gap.
    """

    async def pending(self, records_max: int, skip: Collection[int]) -> Sequence[Pending]:
        """For each partition that is not in `skip`, return at most `records_max` records above its position.

        Positions and records come from one snapshot. Partitions without pending records are omitted. No
        fail-over to a synchronous standby loses a returned record.
        """

    async def advance(self, moves: Sequence[PublishedMove], term: int) -> int:
        """Advance the stored positions in one statement; return the number of positions that changed.

        A position changes only if it is still at `expected`, and only if the lease still has the term `term`
        (see `advance` in `sql/table.sql`).
        """

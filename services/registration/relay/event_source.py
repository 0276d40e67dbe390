"""Knows the event table as something that is published, partition by partition, in sequence order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import asyncpg

from database.queries import load_queries
from outbox.publisher import Pending, Record
from outbox.source import PublishedMove

LEASE: Final = "relay"
TOPIC: Final = "participant-events"
UNDER_WAY: Final = "a recovery was begun: run `registration recover` again if it was cut short"
HEADERS: Final = (("content-type", b"application/cloudevents+json"),)

QUERIES: Final = load_queries("registration.store")
_partition = itemgetter(0)


class RegisterEventSource:
    """The events of the register above each partition's `published`; see `outbox.publisher.Source`."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def pending(self, records_max: int, skip: Collection[int]) -> Sequence[Pending]:
        """What comes next in each partition not in `skip`."""
        found = QUERIES.relay_pending(self._pool, records_max=records_max, skip=list(skip))
        return [
            _pending(partition, list(group))
            for partition, group in groupby([row async for row in found], _partition)
        ]

    async def advance(self, moves: Sequence[PublishedMove], term: int) -> int:
        """Move positions past what was acknowledged, while `term` leads."""
        partitions, expected, targets = zip(*moves, strict=True)
        moved: int = await QUERIES.relay_advance(
            self._pool,
            partitions=list(partitions),
            expected=list(expected),
            targets=list(targets),
            lease=LEASE,
            term=term,
        )
        return moved

    async def rewind(self, partition: int, position: int, term: int) -> bool:
        """Set a partition back to `position`, while `term` leads: all above it is sent again."""
        return bool(
            await QUERIES.relay_rewind(
                self._pool, partition=partition, position=position, lease=LEASE, term=term
            )
        )

    async def refuse(self, reason: str | None, term: int) -> None:
        """Write down why nothing is sent, or that it is (None), while `term` leads."""
        await QUERIES.relay_refuse(self._pool, reason=reason, lease=LEASE, term=term)

    async def refused(self) -> str | None:
        """Why nothing is to be sent, as written down."""
        reason: str | None = await QUERIES.relay_refused(self._pool)
        return reason

    async def published(self) -> list[int]:
        """The stored position of each partition, in order."""
        return [row["published"] async for row in QUERIES.relay_published(self._pool)]


def _pending(partition: int, rows: Sequence[asyncpg.Record]) -> Pending:
    return Pending(partition, rows[0][1], [Record(row[2], row[3], row[4]) for row in rows])

"""Reads pending events from the event table for the relay's publisher, and stores published positions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import asyncpg

from database.replication import await_standby
from outbox.publisher import Pending, Record
from outbox.source import PublishedMove
from registration.store.register_rows import QUERIES

LEASE: Final = "relay"
TOPIC: Final = "participant-events"
RECOVERY_UNFINISHED: Final = (
    "a recovery is unfinished: if it was interrupted, run `registration recover` again"
)
HEADERS: Final = (("content-type", b"application/cloudevents+json"),)

_partition = itemgetter(0)


class ServerChangedError(Exception):
    """Another server answers than the one whose register was compared with the topic.

    The publisher compares again without an operator.
    """


class RegisterEventSource:
    """Implements `outbox.source.Source` over the tables `event` and `partition`."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool
        self._server: datetime | None = None
        """The server whose register was compared with the topic, by the time of its start."""

    async def pending(self, records_max: int, skip: Collection[int]) -> Sequence[Pending]:
        """Return the next unpublished events of each partition that is not in `skip`.

        A partition has at most `records_max` events in the result. A fail-over to a synchronous standby loses
        none of them. Raises ServerChangedError if the server is not the one of `follow_server`.
        """
        async with self._pool.acquire() as connection:
            found = QUERIES.relay_pending(connection, records_max=records_max, skip=list(skip))
            rows = [row async for row in found]
            if rows and await await_standby(connection) != self._server:
                raise ServerChangedError
        return [_pending(partition, list(group)) for partition, group in groupby(rows, _partition)]

    async def follow_server(self) -> None:
        """Read from the current server from now on. Call this before the topic is compared with the register.

        A pool reconnects by itself, also to a promoted standby that lacks events which the topic has.
        """
        async with self._pool.acquire() as connection:
            self._server = await await_standby(connection)

    async def advance(self, moves: Sequence[PublishedMove], term: int) -> int:
        """Move published positions past acknowledged events, and return how many positions moved.

        No position moves unless the lease is valid and has this `term`.
        """
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
        """Lower a partition's published position, so that the events above `position` are sent again.

        Returns False if nothing changed: the published position is not above `position`, or the lease has
        ended or has another term.
        """
        return bool(
            await QUERIES.relay_rewind(
                self._pool, partition=partition, position=position, lease=LEASE, term=term
            )
        )

    async def store_refusal(self, reason: str | None, term: int) -> None:
        """Store why the relay refuses to publish; None if it publishes.

        Stores nothing unless the lease is valid and has this `term`.
        """
        await QUERIES.relay_store_refusal(self._pool, reason=reason, lease=LEASE, term=term)

    async def refusal(self) -> str | None:
        """Return the stored reason why the relay refuses to publish; None if it may publish."""
        reason: str | None = await QUERIES.relay_refusal(self._pool)
        return reason

    async def published_positions(self) -> tuple[int, Sequence[int]]:
        """Return the register's epoch, and the published positions in the order of their partitions."""
        row = await QUERIES.relay_published(self._pool)
        assert row is not None, "the first migration inserts the only row"
        return row["epoch"], row["published"]


def _pending(partition: int, rows: Sequence[asyncpg.Record]) -> Pending:
    return Pending(partition, rows[0][1], [Record(row[2], row[3], row[4]) for row in rows])

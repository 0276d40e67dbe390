"""Knows how to count the register as of a published cut, exactly, while it is being written.

In one REPEATABLE READ snapshot: standings as they are now, less the events above the cut's positions, less
those that the cut says it passed over. Large lags are read by a cursor, so memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import msgspec

from database.queries import load_queries
from registration.audit.published_cut import PublishedCut
from registration.audit.tallies import Cell, TallySums
from registration.domain.participant import Standing

PREFETCH: Final = 2_000

QUERIES: Final = load_queries("registration.store")


class ForeignCutError(Exception):
    """The cut is not of this register: it was restored or recovered, and has not been counted anew yet."""


class _Change(msgspec.Struct):
    before: Standing | None
    after: Standing | None


class _Event(msgspec.Struct):
    data: _Change


_decode = msgspec.json.Decoder(_Event).decode


async def expected_at(pool: asyncpg.Pool[Any], cut: PublishedCut) -> dict[Cell, int]:
    """The tallies that a cut must show at its positions.

    Raises ForeignCutError where the register is in another epoch, or has not come to these positions.
    """
    positions = cut.positions
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        _require_epoch(cut.epoch, await QUERIES.audit_epoch(connection))
        last = [row[0] async for row in QUERIES.audit_last_sequences(connection)]
        _require_reached(positions, last)
        sums = TallySums()
        await _add_standings(connection, sums)
        await _take_back(connection, sums, "audit_events_between", (list(positions), last))
        if passed := [(p, s) for p, s in cut.passed_over if s <= positions[p]]:
            partitions, sequences = zip(*passed, strict=True)
            await _take_back(connection, sums, "audit_events_at", (list(partitions), list(sequences)))
    return sums.tallies()


def _require_epoch(counted: int, epoch: int) -> None:
    if counted != epoch:
        raise ForeignCutError(f"the counts are of epoch {counted}, the register is in epoch {epoch}")


def _require_reached(positions: Sequence[int], last: Sequence[int]) -> None:
    for partition, (position, end) in enumerate(zip(positions, last, strict=True)):
        if position > end:
            raise ForeignCutError(
                f"partition {partition} is counted up to {position}, the register holds {end}"
            )


async def _add_standings(connection: Any, sums: TallySums) -> None:
    async for region, agency, campaign, steps, participants in QUERIES.audit_standings(connection):
        sums.add(Standing(region, agency, campaign, tuple(steps)), participants)


async def _take_back(connection: Any, sums: TallySums, query: str, arguments: tuple[Any, ...]) -> None:
    sql = getattr(QUERIES, query).sql
    async for row in connection.cursor(sql, *arguments, prefetch=PREFETCH):
        change = _decode(row[0]).data
        sums.take_back(change.before, change.after)

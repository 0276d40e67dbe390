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
from registration.audit_sums import Cell, Sums
from registration.participant import Standing

PREFETCH: Final = 2_000

_queries = load_queries("registration")


class CutAheadError(Exception):
    """The cut has counted more than the register holds: the register was restored, or is being recovered."""


class _Change(msgspec.Struct):
    before: Standing | None
    after: Standing | None


class _Event(msgspec.Struct):
    data: _Change


_decode = msgspec.json.Decoder(_Event).decode


async def expected_at(
    pool: asyncpg.Pool[Any], positions: Sequence[int], passed_over: Sequence[tuple[int, int]]
) -> dict[Cell, int]:
    """The tallies that a cut at `positions` must show; `passed_over` are its quarantined (partition,
    sequence).

    Raises CutAheadError where the register has not come to these positions.
    """
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        last = [row[0] async for row in _queries.audit_last_sequences(connection)]
        _require_reached(positions, last)
        sums = Sums()
        await _add_standings(connection, sums)
        await _take_back(connection, sums, "audit_events_between", (list(positions), last))
        if passed := [(p, s) for p, s in passed_over if s <= positions[p]]:
            partitions, sequences = zip(*passed, strict=True)
            await _take_back(connection, sums, "audit_events_at", (list(partitions), list(sequences)))
    return sums.tallies()


def _require_reached(positions: Sequence[int], last: Sequence[int]) -> None:
    for partition, (position, end) in enumerate(zip(positions, last, strict=True)):
        if position > end:
            raise CutAheadError(
                f"partition {partition} is counted up to {position}, the register holds {end}"
            )


async def _add_standings(connection: Any, sums: Sums) -> None:
    async for region, agency, campaign, steps, participants in _queries.audit_standings(connection):
        sums.add(Standing(region, agency, campaign, tuple(steps)), participants)


async def _take_back(connection: Any, sums: Sums, query: str, arguments: tuple[Any, ...]) -> None:
    sql = getattr(_queries, query).sql
    async for row in connection.cursor(sql, *arguments, prefetch=PREFETCH):
        change = _decode(row[0]).data
        sums.take_back(change.before, change.after)

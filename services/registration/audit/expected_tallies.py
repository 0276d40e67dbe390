"""Computes the tallies that a published cut must have, while other transactions write to the register.

All queries run in one REPEATABLE READ snapshot. First the current standings are counted. Then the events that
the cut has not counted are reverted: the events above its positions, and its quarantined events. Both are
read in portions, so a large lag needs little memory.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any, Final

import asyncpg
import msgspec

from cuts.quarantined_ranges import Range
from registration.audit.published_cut import PublishedCut
from registration.audit.tallies import Cell, TallySums
from registration.domain.participant import Standing
from registration.store.register_rows import QUERIES

PREFETCH: Final = 2_000


class ForeignCutError(Exception):
    """The cut was not counted from this register's events in its current epoch.

    The register was restored or recovered, and its events have not been published and counted again yet.
    """


class _EventData(msgspec.Struct):
    before: Standing | None
    after: Standing | None


class _Event(msgspec.Struct):
    data: _EventData


_decode = msgspec.json.Decoder(_Event).decode


async def expected_at(pool: asyncpg.Pool[Any], cut: PublishedCut) -> dict[Cell, int]:
    """Compute the tallies that a cut must have at its positions, by (scope, region, measure).

    Raises ForeignCutError if the register's epoch differs from the cut's, or if a partition of the register
    ends below the cut's position.
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
        await _revert_events_between(connection, sums, (list(positions), last))
        await _revert_quarantined(connection, sums, cut.quarantined, last)
    return sums.tallies()


async def count_register_at(
    pool: asyncpg.Pool[Any], positions_of: Callable[[Any], Awaitable[list[int]]]
) -> dict[Cell, int]:
    """Compute the register's tallies at positions, by (scope, region, measure).

    `positions_of` reads the positions inside the snapshot.
    """
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        last = [row[0] async for row in QUERIES.audit_last_sequences(connection)]
        sums = TallySums()
        await _add_standings(connection, sums)
        await _revert_events_between(connection, sums, (await positions_of(connection), last))
    return sums.tallies()


def _require_epoch(cut_epoch: int, epoch: int) -> None:
    if cut_epoch != epoch:
        raise ForeignCutError(f"the cut is of epoch {cut_epoch}, the register is in epoch {epoch}")


def _require_reached(positions: Sequence[int], last: Sequence[int]) -> None:
    for partition, (position, end) in enumerate(zip(positions, last, strict=True)):
        if position > end:
            raise ForeignCutError(
                f"partition {partition} is counted up to {position}, the register holds {end}"
            )


async def _add_standings(connection: Any, sums: TallySums) -> None:
    async for region, agency, campaign, steps, stock, participants in QUERIES.audit_standings(connection):
        sums.add(Standing(region, agency, campaign, tuple(steps), stock), participants)


async def _revert_events_between(
    connection: Any, sums: TallySums, bounds: tuple[list[int], list[int]]
) -> None:
    sql = QUERIES.audit_events_between.sql
    async for row in connection.cursor(sql, *bounds, prefetch=PREFETCH):
        _revert(sums, row[0])


async def _revert_quarantined(
    connection: Any, sums: TallySums, quarantined: Sequence[Range], last: Sequence[int]
) -> None:
    """Revert the events that the cut names as quarantined. Sequences that the register lacks are ignored."""
    for partition, ranges in groupby(sorted(quarantined), itemgetter(0)):
        ends = [(first, min(end, last[partition])) for _, first, end in ranges]
        sequences = chain.from_iterable(range(first, end + 1) for first, end in ends)
        while portion := list(islice(sequences, PREFETCH)):
            async for row in QUERIES.audit_events_at(connection, partition=partition, sequences=portion):
                _revert(sums, row[0])


def _revert(sums: TallySums, event: str) -> None:
    data = _decode(event).data
    sums.revert(data.before, data.after)

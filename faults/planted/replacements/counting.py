"""Three planted bugs of the worker: two wrong folds, and counts and positions stored by two statements."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from aggregator.domain.event import OffsetEvent, Standing
from aggregator.domain.event_fold import Fold, Quarantined, fold
from aggregator.domain.roll_up import TallyChanges
from aggregator.tallies.postgres_tally_store import PostgresTallyStore, count_arguments
from aggregator.tallies.tally_store import PositionChange
from telemetry.failpoints import failpoint

POSITION_DELAY_S: Final = 0.02
ADD: Final = """
insert into tally as stored (set_id, scope, region, measure, count)
select $1::smallint, change.* from unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) change
on conflict (set_id, scope, region, measure) do update set count = stored.count + excluded.count
"""

_count = PostgresTallyStore.count


def fold_from_the_stored_position(
    position: int, events: Iterable[OffsetEvent], settled: Collection[int] = ()
) -> Fold:
    """Like `fold`, but compares each sequence with the stored position, not with the last counted one.

    An event that is twice in one batch is then counted twice.
    """
    return _folded(position, events, lambda sequence, last: position < sequence <= last + 1)


def fold_past_gaps(position: int, events: Iterable[OffsetEvent], settled: Collection[int] = ()) -> Fold:
    """Like `fold`, but counts every event above the last counted event, also beyond a gap."""
    return _folded(position, events, lambda sequence, last: sequence > last)


def _folded(position: int, events: Iterable[OffsetEvent], is_counted: Callable[[int, int], bool]) -> Fold:
    """Fold, one at a time, the events for which `is_counted` is true, and report no gap."""
    standing_changes: Counter[Standing] = Counter()
    quarantined: list[Quarantined] = []
    last, counted, passed = position, 0, 0
    next_offset: int | None = None
    for offset, event in events:
        if not is_counted(event.sequence, last):
            passed += 1
            continue
        event_fold = fold(event.sequence - 1, [(offset, event)])
        for key, number in event_fold.standing_changes.items():
            standing_changes[key] += number
        quarantined += event_fold.quarantined
        counted += event_fold.counted
        last, next_offset = max(last, event.sequence), event_fold.next_offset
    return Fold(position, last, next_offset, standing_changes, None, tuple(quarantined), counted, passed)


async def count_in_two_statements(
    self: PostgresTallyStore, position_changes: Mapping[int, PositionChange], tally_changes: TallyChanges
) -> bool:
    """Like `PostgresTallyStore.count`, but stores the positions in a second statement.

    The failpoint `worker.between_statements` is between the two statements.
    """
    stored = await self.positions()
    if any(
        stored[partition].sequence != change.fold.position for partition, change in position_changes.items()
    ):
        return False
    set_id = next(iter(position_changes.values())).before.set_id
    arguments = count_arguments(tally_changes)
    columns = [arguments[name] for name in ("scopes", "regions", "measures", "deltas")]
    await self._database.execute(ADD, set_id, *columns)
    await asyncio.sleep(POSITION_DELAY_S)
    failpoint("worker.between_statements")
    # The second statement adds zero to the changed tallies, so that the next cut contains them.
    zeros = dict.fromkeys(tally_changes.changes, 0)
    return await _count(self, position_changes, replace(tally_changes, changes=zeros))

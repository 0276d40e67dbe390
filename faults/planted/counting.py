"""Three bugs of the worker: two wrong folds, and a position stored outside the counts' transaction."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from aggregator.domain.counting import Fold, Leaf, Quarantined, TallyChanges, fold
from aggregator.domain.event import Placed
from aggregator.tallies.postgres_tally_store import PostgresTallyStore, count_arguments
from aggregator.tallies.tally_store import PositionMove
from telemetry.failpoints import failpoint

POSITION_DELAY_S: Final = 0.02
ADD: Final = """
insert into tally as held (set_id, scope, region, measure, count)
select $1::smallint, change.* from unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) change
on conflict (set_id, scope, region, measure) do update set count = held.count + excluded.count
"""

_count = PostgresTallyStore.count


def fold_from_the_stored_position(
    position: int, events: Iterable[Placed], set_aside: Collection[int] = ()
) -> Fold:
    """Compare with the stored instead of the running position: an event twice in a batch counts twice."""
    return _folded(position, events, lambda sequence, last: position < sequence <= last + 1)


def fold_past_gaps(position: int, events: Iterable[Placed], set_aside: Collection[int] = ()) -> Fold:
    """Count every event above the running position, also beyond a gap."""
    return _folded(position, events, lambda sequence, last: sequence > last)


def _folded(position: int, events: Iterable[Placed], is_counted: Callable[[int, int], bool]) -> Fold:
    """Fold each counted event by itself, and never report a gap."""
    leaves: Counter[Leaf] = Counter()
    quarantined: list[Quarantined] = []
    last, counted, passed = position, 0, 0
    next_offset: int | None = None
    for offset, event in events:
        if not is_counted(event.sequence, last):
            passed += 1
            continue
        single = fold(event.sequence - 1, [(offset, event)])
        for leaf, number in single.leaves.items():
            leaves[leaf] += number
        quarantined += single.quarantined
        counted += single.counted
        last, next_offset = max(last, event.sequence), single.next_offset
    return Fold(position, last, next_offset, leaves, None, tuple(quarantined), counted, passed)


def decode_in_python() -> None:
    """Disable the compiled decoder in this process: it has its own fold, which the bug does not replace."""
    os.environ["AGGREGATOR_COMPILED"] = "off"


async def count_in_two_statements(
    self: PostgresTallyStore, moves: Mapping[int, PositionMove], sums: TallyChanges
) -> bool:
    """Like `PostgresTallyStore.count`, but moves the position in a separate statement.

    Failpoint: `worker.between_statements`.
    """
    held = await self.places()
    if any(held[partition].sequence != move.fold.position for partition, move in moves.items()):
        return False
    set_id = next(iter(moves.values())).place.set_id
    changes = count_arguments(sums)
    columns = [changes[name] for name in ("scopes", "regions", "measures", "deltas")]
    await self._database.execute(ADD, set_id, *columns)
    await asyncio.sleep(POSITION_DELAY_S)
    failpoint("worker.between_statements")
    # The keys are passed on, so that the next cut contains the changed rows.
    return await _count(self, moves, replace(sums, changes=dict.fromkeys(sums.changes, 0)))

"""The order of a campaign's faults, which depends only on the plan, the possible faults and the seed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Final

from faults.campaign_plan import CampaignPlan
from faults.fault import Fault

PAIRS_SHARE: Final = 0.3


def schedule(plan: CampaignPlan, faults: Sequence[Fault], rng: random.Random) -> Iterator[tuple[Fault, ...]]:
    """Yield the faults of each round, without end.

    The order is random, and some rounds have two faults. Every fault comes once before any fault is repeated.
    If the plan has a script, only the faults of the script come, in its order. Raises AssertionError if the
    plan allows no fault.
    """
    if plan.script:
        yield from ((fault,) for fault in itertools.cycle(plan.script))
    allowed = [fault for fault in faults if plan.allows(fault)]
    assert allowed, f"no fault has a name with {plan.only}"
    while True:
        waiting = _shuffled_by_kind(allowed, rng)
        while waiting:
            first = waiting.pop()
            compatible = [fault for fault in waiting if not fault.resources & first.resources]
            if compatible and rng.random() < PAIRS_SHARE:
                second = compatible[-1]
                waiting.remove(second)
                yield first, second
            else:
                yield (first,)


def _shuffled_by_kind(faults: Sequence[Fault], rng: random.Random) -> list[Fault]:
    """Shuffle the faults so that the end of the list has one fault of every kind.

    `schedule` takes the faults from the end, so that even a campaign that ends early has injected every kind.
    """
    kinds: dict[str, list[Fault]] = {}
    for fault in rng.sample(faults, len(faults)):
        kinds.setdefault(fault.kind, []).append(fault)
    rows = [[kind[index] for kind in kinds.values() if index < len(kind)] for index in range(len(faults))]
    return [fault for row in reversed(rows) for fault in rng.sample(row, len(row))]

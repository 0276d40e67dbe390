"""Deals the faults of a campaign: a pure rule, the same for the same seed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Final

from faults.fault import Fault
from faults.campaign_result import Plan

PAIRS_SHARE: Final = 0.3


def deal(plan: Plan, every: Sequence[Fault], dice: random.Random) -> Iterator[tuple[Fault, ...]]:
    """Every fault that the plan takes, shuffled, again and again; some of them two at a time.

    A plan with a script is dealt just that. AssertionError where the plan takes no fault.
    """
    if plan.script:
        yield from ((one,) for one in itertools.cycle(plan.script))
    chosen = [one for one in every if plan.takes(one)]
    assert chosen, f"no fault is named like {plan.faults}"
    while True:
        deck = _spread(chosen, dice)
        while deck:
            first = deck.pop()
            others = [one for one in deck if not one.needs & first.needs]
            if others and dice.random() < PAIRS_SHARE:
                second = others[-1]
                deck.remove(second)
                yield first, second
            else:
                yield (first,)


def _spread(faults: Sequence[Fault], dice: random.Random) -> list[Fault]:
    """Shuffled, one of every kind on top: a campaign cut short has met each kind."""
    kinds: dict[str, list[Fault]] = {}
    for one in dice.sample(faults, len(faults)):
        kinds.setdefault(one.kind, []).append(one)
    rows = [[kind[at] for kind in kinds.values() if at < len(kind)] for at in range(len(faults))]
    return [one for row in reversed(rows) for one in dice.sample(row, len(row))]

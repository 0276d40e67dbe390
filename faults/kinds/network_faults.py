"""Slow and cut connections, and receivers of webhooks that misbehave."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Final

from faults.fault import Fault, Inflict
from faults.system_under_test import World
from faults.webhook_receiver import Manner

SLOW_S: Final = 0.4
LASTS_S: Final = 4.0


def of_wires() -> Iterator[Fault]:
    """Every fault on the way in and on the way out."""
    way = frozenset({"way"})
    yield Fault("slow connections", "people's connections slow", _slow, way)
    yield Fault("cut connections", "people's connections cut", _cut, way)
    for manner in Manner:
        if manner is not Manner.GOOD:
            yield Fault(
                f"receiver {manner.value}",
                f"receiver {manner.value}",
                _manner(manner),
                frozenset({"receiver"}),
            )


async def _slow(world: World, _: random.Random) -> int:
    world.gate.delay_s = SLOW_S
    await asyncio.sleep(LASTS_S)
    world.gate.delay_s = 0.0
    return 0


async def _cut(world: World, _: random.Random) -> int:
    for _cut_again in range(8):
        world.gate.cut()
        await asyncio.sleep(LASTS_S / 8)
    return 0


def _manner(manner: Manner) -> Inflict:
    async def inflict(world: World, _: random.Random) -> int:
        world.receiver.manner = manner
        await asyncio.sleep(LASTS_S)
        world.receiver.manner = Manner.GOOD
        return 0

    return inflict

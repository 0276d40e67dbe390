"""Faults of the network: slow and cut client connections, and a webhook receiver that fails."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Final

from faults.fault import Fault, Inject
from faults.running_system.faulty_webhook_receiver import Behaviour
from faults.running_system.system_under_test import SystemUnderTest

DELAY_S: Final = 0.4
DURATION_S: Final = 4.0
CUTS: Final = 8


def network_faults() -> Iterator[Fault]:
    """Yield every fault of the clients' connections and of the webhook receiver."""
    proxy, receiver = frozenset({"api proxy"}), frozenset({"receiver"})
    yield Fault("slow connections", "client connections slow", _delay, proxy)
    yield Fault("cut connections", "client connections cut", _cut, proxy)
    for behaviour in Behaviour:
        if behaviour is not Behaviour.NORMAL:
            name = f"receiver {behaviour.value}"
            yield Fault(name, name, _misbehave(behaviour), receiver)


async def _delay(system: SystemUnderTest, _: random.Random) -> int:
    system.api_proxy.delay_s = DELAY_S
    await asyncio.sleep(DURATION_S)
    system.api_proxy.delay_s = 0.0
    return 0


async def _cut(system: SystemUnderTest, _: random.Random) -> int:
    for _cut_number in range(CUTS):
        system.api_proxy.cut()
        await asyncio.sleep(DURATION_S / CUTS)
    return 0


def _misbehave(behaviour: Behaviour) -> Inject:
    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        system.receiver.behaviour = behaviour
        await asyncio.sleep(DURATION_S)
        system.receiver.behaviour = Behaviour.NORMAL
        return 0

    return inject

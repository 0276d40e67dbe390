"""Faults of the network: slow and cut client connections, silent streams, a failing webhook receiver."""

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
SILENCES: Final = 2
SILENT_S: Final = 8.0


def network_faults() -> Iterator[Fault]:
    """Yield every fault of the clients' connections and of the webhook receiver."""
    proxy, receiver = frozenset({"api proxy"}), frozenset({"receiver"})
    yield Fault("slow connections", "client connections slow", _delay, proxy)
    yield Fault("cut connections", "client connections cut", _cut, proxy)
    yield Fault("silent streams", "streams of the viewer silent", _silence_streams, frozenset({"viewer"}))
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


async def _silence_streams(system: SystemUnderTest, _: random.Random) -> int:
    """Let the viewer's open streams get nothing more. The viewer opens another stream after some seconds."""
    for _silence in range(SILENCES):
        for proxy in system.board_proxies.values():
            proxy.silence()
        await asyncio.sleep(SILENT_S)
    return 0


def _misbehave(behaviour: Behaviour) -> Inject:
    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        system.receiver.behaviour = behaviour
        await asyncio.sleep(DURATION_S)
        system.receiver.behaviour = Behaviour.NORMAL
        return 0

    return inject

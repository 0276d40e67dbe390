"""Processes killed, ended, stopped in their tracks, told the wrong time, or coming and going."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Iterator, Sequence
from typing import Final

from faults.fault import Fault, Inflict
from faults.system_under_test import PAIRED, World
from tests.support import failpoint_names
from tests.support.process_clock import LIBRARY, clock_off
from tests.support.stack import Stack

CRASH_POINTS: Final = {
    "api": failpoint_names.API + failpoint_names.IMPORT,
    "relay": failpoint_names.RELAY,
    "audit": failpoint_names.AUDIT,
    "worker": failpoint_names.WORKER,
    "publisher": failpoint_names.PUBLISHER + failpoint_names.NUMBERS_AND_MINUTES,
    "notifier": failpoint_names.NOTIFIER,
}
PREFIX: Final = {"api": "REGISTRATION", "relay": "REGISTRATION", "audit": "REGISTRATION"} | {
    "worker": "AGGREGATOR",
    "publisher": "AGGREGATOR",
    "notifier": "NOTIFIER",
}
CLOCKED: Final = ("relay", "worker", "publisher", "notifier", "audit", "board")
POINT_S_MAX: Final = 20.0
# Longer than the session of a Kafka consumer (6 s) and any lease (3 s).
ASLEEP_S: Final = 8.0
STORM_STEPS: Final = 3
KILLS: Final = 3
# By then a process has started, or not quite.
AGAIN_S_MAX: Final = 4.0


def instances(name: str) -> tuple[str, ...]:
    """The processes of a service."""
    return (name, f"{name}-2") if name in PAIRED else (name,)


def of_processes(names: Sequence[str]) -> Iterator[Fault]:
    """Every fault of every process."""
    for name in names:
        base = name.removesuffix("-2")
        needs = frozenset({base})
        yield Fault("kill -9", f"kill -9 {name}, thrice", _again_and_again(name), needs)
        yield Fault("SIGTERM", f"SIGTERM {name}", kill(name, signal.SIGTERM), needs)
        yield Fault("SIGSTOP", f"SIGSTOP {name}", stop(name), needs)
    for base, points in CRASH_POINTS.items():
        for point in points:
            yield Fault("crash point", f"crash at {point}", crash(base, point), frozenset({base}))
    yield Fault("all killed at once", "kill -9 of every process", _kill_all, frozenset(names))
    yield Fault("rebalance storm", "workers come and go", _storm, frozenset({"worker"}))
    for name in CLOCKED if LIBRARY else ():
        yield Fault("clock an hour off", f"clock of {name}", _clock(name), frozenset({name}))


async def _end(stack: Stack, name: str, number: signal.Signals) -> None:
    pid = stack.pid(name)
    stack.kill(name, number)
    for _ in range(200):  # a process that is asked to end finishes what it took
        if stack.pid(name) != pid:
            return
        await asyncio.sleep(0.1)
    stack.kill(name)


def kill(name: str, number: signal.Signals = signal.SIGKILL) -> Inflict:
    """End a process by a signal."""

    async def inflict(world: World, _: random.Random) -> int:
        await _end(world.stack, name, number)
        return 1

    return inflict


def _again_and_again(name: str) -> Inflict:
    """Kill it, and kill it again while it starts or just works: what it takes up first is tried, too."""

    async def inflict(world: World, dice: random.Random) -> int:
        for _ in range(KILLS):
            await _started(world.stack, name)
            await _end(world.stack, name, signal.SIGKILL)
            await asyncio.sleep(dice.uniform(0.2, AGAIN_S_MAX))
        return KILLS

    return inflict


async def _kill_all(world: World, _: random.Random) -> int:
    for name in world.names:
        world.stack.kill(name)
    return len(world.names)


def stop(name: str, asleep_s: float = ASLEEP_S) -> Inflict:
    """Stop it in its tracks (SIGSTOP), and let it go on later."""

    async def inflict(world: World, _: random.Random) -> int:
        pid = world.stack.pid(name)
        world.stack.stop(name)
        await asyncio.sleep(asleep_s)
        if world.stack.pid(name) == pid:
            world.stack.cont(name)
        return 0

    return inflict


def crash(base: str, point: str, passes: int | None = None) -> Inflict:
    """Have a service die at a point, at the n-th pass of a process: one of the first four by chance."""

    async def inflict(world: World, dice: random.Random) -> int:
        """Whichever of the processes does the work dies at the point; the others are killed after it."""
        crash_at = f"{point}:{passes or dice.randint(1, 4)}"
        names = instances(base)
        armed = {}
        for name in names:
            world.stack.next_start(name, {**world.settings(name), f"{PREFIX[base]}_CRASH_AT": crash_at})
            await _end(world.stack, name, signal.SIGKILL)
        for name in names:
            armed[name] = await _started(world.stack, name)
            world.stack.next_start(name, world.settings(name))
        for _ in range(int(POINT_S_MAX / 0.1)):
            if any(world.stack.pid(name) != pid for name, pid in armed.items()):
                break
            await asyncio.sleep(0.1)
        for name, pid in armed.items():
            if world.stack.pid(name) == pid:
                world.stack.kill(name)
        return 2 * len(names)

    return inflict


async def _started(stack: Stack, name: str) -> int:
    """The process id, once it runs."""
    while not stack.runs(name):
        await asyncio.sleep(0.05)
    return stack.pid(name)


async def _storm(world: World, _: random.Random) -> int:
    stack, name = world.stack, "worker-3"
    for _step in range(STORM_STEPS):
        await stack.start(name, wait=False)
        await asyncio.sleep(3)
        stack.kill(name)
        await asyncio.sleep(1)
    return STORM_STEPS


def _clock(name: str) -> Inflict:
    async def inflict(world: World, dice: random.Random) -> int:
        off = dice.choice(("+1h", "-1h"))
        world.stack.next_start(name, {**world.settings(name), **clock_off(off)})
        await _end(world.stack, name, signal.SIGKILL)
        await _started(world.stack, name)
        await asyncio.sleep(ASLEEP_S)
        world.stack.next_start(name, world.settings(name))
        await _end(world.stack, name, signal.SIGTERM)
        return 2

    return inflict

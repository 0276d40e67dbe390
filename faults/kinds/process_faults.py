"""Faults of processes: kills at random moments or failpoints, terminations, suspensions, wrong clocks."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Iterator, Sequence
from typing import Final

from faults.fault import Fault, Inject
from faults.running_system.system_under_test import PAIRED, SystemUnderTest
from tests.support import failpoint_names
from tests.support.process_clock import LIBRARY, clock_off
from tests.support.stack import Stack

FAILPOINTS: Final = {
    "api": failpoint_names.API + failpoint_names.IMPORT,
    "relay": failpoint_names.RELAY,
    "audit": failpoint_names.AUDIT,
    "worker": failpoint_names.WORKER,
    "publisher": failpoint_names.PUBLISHER + failpoint_names.PUBLISHER_NUMBERS_AND_MINUTES,
    "notifier": failpoint_names.NOTIFIER,
}
PREFIX: Final = {"api": "REGISTRATION", "relay": "REGISTRATION", "audit": "REGISTRATION"} | {
    "worker": "AGGREGATOR",
    "publisher": "AGGREGATOR",
    "notifier": "NOTIFIER",
}
PROCESSES_WITH_CLOCK: Final = ("relay", "worker", "publisher", "notifier", "audit", "board")
PROCESSES_AHEAD: Final = ("worker", "publisher")
"""Processes that once deleted or ignored minutes by their own clock."""
FAILPOINT_S_MAX: Final = 20.0
# Longer than a Kafka consumer's session (6 s) and any lease (3 s).
SUSPENDED_S: Final = 8.0
REBALANCES: Final = 3
KILLS: Final = 3
# A process needs about this time to start, so that some kills hit its start and others its work.
KILL_PAUSE_S_MAX: Final = 4.0


def instances(name: str) -> tuple[str, ...]:
    """Return the names of all processes of a service."""
    return (name, f"{name}-2") if name in PAIRED else (name,)


def process_faults(names: Sequence[str]) -> Iterator[Fault]:
    """Yield every fault that can be injected into these processes."""
    for name in names:
        base = name.removesuffix("-2")
        needs = frozenset({base})
        yield Fault("kill -9", f"kill -9 {name}, three times", _kill_repeatedly(name), needs)
        yield Fault("SIGTERM", f"SIGTERM {name}", kill(name, signal.SIGTERM), needs)
        yield Fault("SIGSTOP", f"SIGSTOP {name}", suspend(name), needs)
    for base, points in FAILPOINTS.items():
        for point in points:
            yield Fault("crash at failpoint", f"crash at {point}", crash(base, point), frozenset({base}))
    yield Fault("all killed at once", "kill -9 of every process", _kill_all, frozenset(names))
    yield Fault("rebalance storm", "workers start and end", _rebalance_repeatedly, frozenset({"worker"}))
    for name in PROCESSES_WITH_CLOCK if LIBRARY else ():
        yield Fault("clock off by an hour", f"clock of {name} off", _clock(name), frozenset({name}))
    for base in PROCESSES_AHEAD if LIBRARY else ():
        yield Fault(
            "clock three days ahead",
            f"clocks of {base} three days ahead",
            clocks_ahead(base),
            frozenset({base}),
        )


async def _end(stack: Stack, name: str, number: signal.Signals) -> None:
    pid = stack.pid(name)
    stack.kill(name, number)
    for _ in range(200):  # a terminated process first finishes its work
        if stack.pid(name) != pid:
            return
        await asyncio.sleep(0.1)
    stack.kill(name)


def kill(name: str, number: signal.Signals = signal.SIGKILL) -> Inject:
    """Send a signal to the process, and SIGKILL if the process does not end."""

    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        await _end(system.stack, name, number)
        return 1

    return inject


def _kill_repeatedly(name: str) -> Inject:
    """Kill the process KILLS times at random moments, so that some kills hit its start."""

    async def inject(system: SystemUnderTest, rng: random.Random) -> int:
        for _ in range(KILLS):
            await _started(system.stack, name)
            await _end(system.stack, name, signal.SIGKILL)
            await asyncio.sleep(rng.uniform(0.2, KILL_PAUSE_S_MAX))
        return KILLS

    return inject


async def _kill_all(system: SystemUnderTest, _: random.Random) -> int:
    for name in system.names:
        system.stack.kill(name)
    return len(system.names)


def suspend(name: str, suspended_s: float = SUSPENDED_S) -> Inject:
    """Suspend the process (SIGSTOP) and resume it after `suspended_s`."""

    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        pid = system.stack.pid(name)
        system.stack.suspend(name)
        await asyncio.sleep(suspended_s)
        if system.stack.pid(name) == pid:
            system.stack.resume(name)
        return 0

    return inject


def crash(base: str, point: str, passes: int | None = None) -> Inject:
    """Kill a service's process when it passes a failpoint for the n-th time.

    `passes` is n; if it is None, n is random from 1 to 4.
    """

    async def inject(system: SystemUnderTest, rng: random.Random) -> int:
        """Restart all processes of the service with the failpoint, and wait until one of them dies there.

        Wait at most FAILPOINT_S_MAX, then kill those that still run. All are restarted without the failpoint.
        """
        crash_at = f"{point}:{passes or rng.randint(1, 4)}"
        names = instances(base)
        armed = {}
        for name in names:
            system.stack.next_start(name, {**system.settings(name), f"{PREFIX[base]}_CRASH_AT": crash_at})
            await _end(system.stack, name, signal.SIGKILL)
        for name in names:
            armed[name] = await _started(system.stack, name)
            system.stack.next_start(name, system.settings(name))
        for _ in range(int(FAILPOINT_S_MAX / 0.1)):
            if any(system.stack.pid(name) != pid for name, pid in armed.items()):
                break
            await asyncio.sleep(0.1)
        for name, pid in armed.items():
            if system.stack.pid(name) == pid:
                system.stack.kill(name)
        return 2 * len(names)

    return inject


async def _started(stack: Stack, name: str) -> int:
    """Wait until the process runs; return its process id."""
    while not stack.is_running(name):
        await asyncio.sleep(0.05)
    return stack.pid(name)


async def _rebalance_repeatedly(system: SystemUnderTest, _: random.Random) -> int:
    stack, name = system.stack, "worker-3"
    for _step in range(REBALANCES):
        await stack.start(name, wait=False)
        await asyncio.sleep(3)
        stack.kill(name)
        await asyncio.sleep(1)
    return REBALANCES


def _clock(name: str) -> Inject:
    async def inject(system: SystemUnderTest, rng: random.Random) -> int:
        return await _run_with_clock(system, (name,), rng.choice(("+1h", "-1h")))

    return inject


def clocks_ahead(base: str) -> Inject:
    """Run all processes of a service, also the one that leads, with clocks that are three days ahead."""

    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        return await _run_with_clock(system, instances(base), "+3d")

    return inject


async def _run_with_clock(system: SystemUnderTest, names: Sequence[str], offset: str) -> int:
    for name in names:
        system.stack.next_start(name, {**system.settings(name), **clock_off(offset)})
        await _end(system.stack, name, signal.SIGKILL)
    for name in names:
        await _started(system.stack, name)
    await asyncio.sleep(SUSPENDED_S)
    for name in names:
        system.stack.next_start(name, system.settings(name))
        await _end(system.stack, name, signal.SIGTERM)
    return 2 * len(names)

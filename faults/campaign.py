"""A campaign: load, fault after fault with the time to recover from each, and the judgement at the end."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path

from faults.fault import Fault
from faults.invariant_checks import Say, Watched, judge
from faults.kinds.network_faults import of_wires
from faults.kinds.operator_faults import of_operation
from faults.kinds.process_faults import of_processes
from faults.kinds.store_faults import of_stores
from faults.client_load import Load, loaded
from faults.recovery_probe import Lag, Viewer
from faults.fault_schedule import deal
from faults.system_under_test import World, open_world
from faults.campaign_result import Plan, Round, Verdict
from tests.support.background_task import beside
from tests.support.process_clock import LIBRARY


async def run(plan: Plan, folder: Path, say: Say) -> Verdict:
    """Start the system, break it until the time is over, let it settle, and judge."""
    began_at = time.monotonic()
    async with open_world(folder, plan.brokers, plan.planted) as world:
        took_s = time.monotonic() - began_at
        say(f"running after {took_s:.0f} s: {plan.brokers} broker(s), PostgreSQL, {', '.join(world.names)}")
        lag, viewer = Lag(world), Viewer(world)
        async with (
            beside(lag.look()),
            beside(viewer.view()),
            loaded(world, plan.rate_per_s, plan.import_rows, plan.import_every_s) as load,
        ):
            rounds = await _break(world, plan, lag, load, say)
            findings, events = await judge(world, Watched(lag, viewer, load), plan, rounds, say)
            lacking = list(_untried(world))
    return Verdict(plan, rounds, findings, events, time.monotonic() - began_at, lacking)


def _untried(world: World) -> Iterator[str]:
    if world.disk is None:
        yield "a full disk, as nobody may mount a filesystem on this machine"
    if LIBRARY is None:
        yield "wrong clocks, as libfaketime is not installed"
    if len(world.cluster.brokers) == 1:
        yield "leaders moved, as there is one broker"
    else:
        yield "an older copy of Kafka, which the short campaign puts back: clients outlive it with one broker"


async def _break(world: World, plan: Plan, lag: Lag, load: Load, say: Say) -> list[Round]:
    ends_at = time.monotonic() + plan.seconds
    rounds: list[Round] = []
    dealt = deal(plan, _every(world), random.Random(plan.seed))
    dice = random.Random(plan.seed + 1)
    while time.monotonic() < ends_at and len(rounds) < (plan.rounds or 1_000_000):
        rounds.append(await _round(world, next(dealt), lag, plan, dice))
        last = rounds[-1]
        killed = sum(one.kills for one in rounds)
        recovered = "not recovered" if last.recovered_s is None else f"recovered in {last.recovered_s:.1f} s"
        for text in last.failed:
            say(f"     {text}")
        say(
            f"{len(rounds):3}  {last.name}: {recovered}; "
            f"{killed} kills, {load.answered:,} requests, {len(load.imported)} imports"
        )
    return rounds


def _every(world: World) -> list[Fault]:
    """Every fault that this world can have."""
    return [
        *of_processes(world.names),
        *of_stores(len(world.cluster.brokers)),
        *of_wires(),
        *of_operation(world),
    ]


async def _round(world: World, faults: tuple[Fault, ...], lag: Lag, plan: Plan, dice: random.Random) -> Round:
    done = await asyncio.gather(*(one.inflict(world, dice) for one in faults), return_exceptions=True)
    # What could not be tried is told at the end; the rest of the night goes on.
    failed = [f"{type(one).__name__}: {one}" for one in done if isinstance(one, Exception)]
    kills = sum(one for one in done if isinstance(one, int))
    return Round(faults, kills, await lag.recovered(plan.round_s_max), tuple(failed))

"""The judgement at the end: the system settles, everything is read once, and each invariant is checked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faults.evidence import open_alerts, read_stored, read_topics
from faults.invariant_result import Finding
from faults.invariants.alerts import check_alerts
from faults.invariants.counts import Truth, check_counts, check_stream
from faults.invariants.recovery_time import RECOVERED_S_MAX, check_promptness
from faults.invariants.register import check_register, check_topic
from faults.invariants.personal_data import check_secrecy
from faults.client_load import Load
from faults.recovery_probe import Lag, Viewer
from faults.system_under_test import World
from faults.campaign_result import Plan, Round
from simulator.load.expected_state import account
from simulator.load.ledger import read
from simulator.verify.alert_check import deliveries

Say = Callable[[str], None]


@dataclass(frozen=True)
class Watched:
    """Who looked on while faults went on."""

    lag: Lag
    viewer: Viewer
    load: Load


async def judge(
    world: World, watched: Watched, plan: Plan, rounds: Sequence[Round], say: Say
) -> tuple[list[Finding], int]:
    """The seven invariants, and how many events the register holds."""
    load, lag = watched.load, watched.lag
    last_s = await lag.recovered(RECOVERED_S_MAX)
    say("settling: asking again, waiting for imports, counts and receipts")
    await load.stop()
    asked_again = await load.settle()
    unfinished = await load.unfinished_imports(plan.settled_s_max)
    all_counted = await lag.counted(plan.settled_s_max)
    await _until_told(world, plan.settled_s_max)
    say("reading register, topics, receipts and logs")
    stored = await read_stored(world)
    topics = await read_topics(world)
    truth = Truth(stored.values)
    told = account(read(load.night.path))
    counts, highest = check_counts(stored, truth, topics["region-counts"])
    arrived = deliveries(world.stack.folder / "mail", world.stack.folder / "webhooks" / "calls.jsonl")
    findings = [
        check_register(told, asked_again, stored, load.imported, unfinished),
        check_topic(stored, topics["participant-events"], world.forgotten),
        counts,
        check_alerts(stored, truth.final, highest, arrived, world.receiver.trapped),
        check_stream(watched.viewer.seen, watched.viewer.connections, truth),
        check_promptness(rounds, last_s, all_counted),
        check_secrecy(topics, world.stack.folder),
    ]
    return findings, len(stored.events)


async def _until_told(world: World, wait_s: float) -> None:
    """Wait until nothing new is latched and all messages are delivered, or the time is over."""
    ends_at = time.monotonic() + wait_s
    quiet = 0
    while quiet < 5 and time.monotonic() < ends_at:
        quiet = quiet + 1 if not await open_alerts(world) else 0
        await asyncio.sleep(1)

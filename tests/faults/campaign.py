"""A campaign: load, fault after fault with the time to recover from each, and the judgement at the end."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simulator.consequences import account
from simulator.ledger import read
from simulator.told import deliveries
from tests.faults.checking_alerts import check_alerts
from tests.faults.checking_counts import Truth, check_counts, check_stream
from tests.faults.checking_register import check_register, check_topic
from tests.faults.checking_secrecy import check_secrecy
from tests.faults.evidence import open_alerts, read_stored, read_topics
from tests.faults.fault import Fault
from tests.faults.faults_of_processes import of_processes
from tests.faults.faults_of_stores import of_stores
from tests.faults.faults_of_wires import of_wires
from tests.faults.finding import Finding
from tests.faults.load import Load, loaded
from tests.faults.watching import Lag, Viewer
from tests.faults.world import World, open_world
from tests.harness.beside import beside

RECOVERED_S_MAX = 30.0
SETTLED_S_MAX = 90.0
PAIRS_SHARE = 0.3

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    seconds: float
    brokers: int
    rate_per_s: float
    import_rows: int
    import_every_s: float
    seed: int
    rounds: int | None = None
    """No more rounds than this, however much time is left."""
    faults: tuple[str, ...] = ()
    """Only faults whose name holds one of these; none: every fault."""
    planted: Mapping[str, str] = field(default_factory=dict)
    """The bug that a process is to have."""


@dataclass(frozen=True)
class Round:
    """What was broken, and how long it took until counting had caught up and a board said `live`."""

    faults: tuple[Fault, ...]
    kills: int
    recovered_s: float | None


@dataclass
class Verdict:
    """What became of it all."""

    plan: Plan
    rounds: list[Round]
    findings: list[Finding]
    events: int
    took_s: float

    @property
    def kills(self) -> int:
        """Processes killed in all rounds."""
        return sum(one.kills for one in self.rounds)

    @property
    def holds(self) -> bool:
        """Whether every invariant held."""
        return all(finding.holds for finding in self.findings)


async def run(plan: Plan, folder: Path, say: Say) -> Verdict:
    """Start the system, break it until the time is over, let it settle, and judge."""
    began_at = time.monotonic()
    async with open_world(folder, plan.brokers, plan.planted) as world:
        say(f"running: {plan.brokers} broker(s), PostgreSQL, {', '.join(world.names)}")
        lag, viewer = Lag(world), Viewer(world)
        async with (
            beside(lag.look()),
            beside(viewer.view()),
            loaded(world, plan.rate_per_s, plan.import_rows, plan.import_every_s) as load,
        ):
            rounds = await _break(world, plan, lag, load, say)
            findings, events = await _judge(world, lag, viewer, load, rounds, say)
    return Verdict(plan, rounds, findings, events, time.monotonic() - began_at)


async def _break(world: World, plan: Plan, lag: Lag, load: Load, say: Say) -> list[Round]:
    ends_at = time.monotonic() + plan.seconds
    rounds: list[Round] = []
    dealt = deal(plan, world, random.Random(plan.seed))
    dice = random.Random(plan.seed + 1)
    while time.monotonic() < ends_at and len(rounds) < (plan.rounds or 1_000_000):
        rounds.append(await _round(world, next(dealt), lag, dice))
        last = rounds[-1]
        killed = sum(one.kills for one in rounds)
        recovered = "not recovered" if last.recovered_s is None else f"recovered in {last.recovered_s:.1f} s"
        say(
            f"{len(rounds):3}  {' + '.join(one.name for one in last.faults)}: {recovered}; "
            f"{killed} kills, {load.answered:,} requests, {len(load.imported)} imports"
        )
    return rounds


def deal(plan: Plan, world: World, dice: random.Random) -> Iterator[tuple[Fault, ...]]:
    """Every fault in a shuffled order, again and again; some of them two at a time."""
    every = [*of_processes(world.names), *of_stores(plan.brokers), *of_wires()]
    chosen = [one for one in every if not plan.faults or any(text in one.name for text in plan.faults)]
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
    """Shuffled, one of every kind first: a campaign cut short has met each kind."""
    kinds: dict[str, list[Fault]] = {}
    for one in dice.sample(faults, len(faults)):
        kinds.setdefault(one.kind, []).append(one)
    rows = [[kind[at] for kind in kinds.values() if at < len(kind)] for at in range(len(faults))]
    return [one for row in reversed(rows) for one in dice.sample(row, len(row))]


async def _round(world: World, faults: tuple[Fault, ...], lag: Lag, dice: random.Random) -> Round:
    kills = await asyncio.gather(*(one.inflict(world, dice) for one in faults))
    return Round(faults, sum(kills), await lag.recovered(RECOVERED_S_MAX * 2))


async def _judge(
    world: World, lag: Lag, viewer: Viewer, load: Load, rounds: Sequence[Round], say: Say
) -> tuple[list[Finding], int]:
    prompt = Finding(6, "counting is less than a second behind within 30 s of a fault")
    took_s = await lag.recovered(RECOVERED_S_MAX)
    prompt.must(took_s is not None, f"still behind after the last fault: {lag.now_s}")
    for one in rounds:
        late = one.recovered_s is None or one.recovered_s > RECOVERED_S_MAX
        prompt.must(not late, f"{' + '.join(each.name for each in one.faults)}: {one.recovered_s}")
    say("settling: asking again, waiting for imports, counts and receipts")
    await load.stop()
    asked_again = await load.settle()
    unfinished = await load.unfinished_imports(SETTLED_S_MAX)
    prompt.must(await lag.counted(SETTLED_S_MAX), f"not all counted: {lag.now_s} s behind")
    await _until_told(world)
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
        check_stream(viewer.seen, viewer.connections, truth),
        prompt,
        check_secrecy(topics, world.stack.folder),
    ]
    return findings, len(stored.events)


async def _until_told(world: World) -> None:
    """Wait until nothing new is latched and all messages are delivered, or the time is over."""
    ends_at = time.monotonic() + SETTLED_S_MAX
    quiet = 0
    while quiet < 5 and time.monotonic() < ends_at:
        quiet = quiet + 1 if not await open_alerts(world) else 0
        await asyncio.sleep(1)

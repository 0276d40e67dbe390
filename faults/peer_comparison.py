"""The same kill campaign against our aggregator and two stock counters: `make faults-peers`."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4

import typer
from aiokafka import AIOKafkaProducer

from aggregator.domain.counting import PARTITIONS
from bench.fixtures.event_backlog import EventGenerator, event_generator
from faults.peer_systems import Contestant, Ours, faust_table, streams
from tests.support.broker import Broker
from tests.support.databases import TestServer
from tests.support.register_template import commission
from tests.support.stack import Stack, surroundings
from tests.support.topics import Topics

STEP_S: Final = 0.1
FIRST_KILL_S: Final = 5.0
KILL_EVERY_S: Final = 5.0
SOON_S: Final = 45.0
STANDING_S: Final = 90.0
"""A count that has not moved for so long is what it comes to: longer than Faust's own session (60 s)."""
SETTLED_S_MAX: Final = 240.0
LOOK_EVERY_S: Final = 2.0


@dataclass(frozen=True)
class Trial:
    """What became of one counter."""

    name: str
    kills: int
    events: int
    counted_soon: int
    """SOON_S after the last kill and the last event."""
    counted: int
    lost: int
    doubled: int
    settled_s: float
    """From the last event until the count was whole, or moved no more."""

    def per_100_kills(self, events: int) -> float:
        """So many events, had there been 100 kills."""
        return 100 * events / self.kills


async def trial(one: Contestant, topics: Topics, events: int, kills: int) -> Trial:
    """Feed the topic while one process after the other is killed, and see what the counts come to."""
    made = event_generator()
    await one.start()
    try:
        seconds = FIRST_KILL_S + kills * KILL_EVERY_S
        feeding = asyncio.ensure_future(_feed(topics, made, events, seconds))
        await asyncio.sleep(FIRST_KILL_S)
        for number in range(kills):
            one.kill(number % 2)
            await asyncio.sleep(KILL_EVERY_S)
        await feeding
        truth = _by_region(made.expected)
        counts, counted_soon, settled_s = await _settled(one, truth)
    finally:
        await one.close()
    return Trial(
        name=one.name,
        kills=kills,
        events=truth.total(),
        counted_soon=counted_soon,
        counted=counts.total(),
        lost=(truth - counts).total(),
        doubled=(counts - truth).total(),
        settled_s=round(settled_s, 1),
    )


async def _feed(topics: Topics, made: EventGenerator, events: int, seconds: float) -> None:
    """Evenly, the same to every partition, each event once."""
    steps = int(seconds / STEP_S)
    producer = AIOKafkaProducer(
        bootstrap_servers=topics.bootstrap_servers, enable_idempotence=True, compression_type="lz4"
    )
    await producer.start()
    began_at = time.monotonic()
    sent = 0
    try:
        for step in range(1, steps + 1):
            due = events // PARTITIONS * step // steps
            await _send_to_each_partition(producer, topics.name("participant-events"), made, due - sent)
            sent = due
            await asyncio.sleep(max(0.0, began_at + step * STEP_S - time.monotonic()))
        await producer.flush()
    finally:
        await producer.stop()


async def _send_to_each_partition(
    producer: AIOKafkaProducer, topic: str, made: EventGenerator, events: int
) -> None:
    for partition in range(PARTITIONS):
        for key, value in made.values(partition, events):
            await producer.send(topic, value, key, partition=partition)


async def _settled(one: Contestant, truth: Counter[str]) -> tuple[Counter[str], int, float]:
    """What the counts come to, how many were counted soon, and after how long the counts moved last."""
    began_at = moved_at = time.monotonic()
    counts: Counter[str] = Counter()
    counted_soon = 0
    while (now := time.monotonic()) - moved_at < STANDING_S and now - began_at < SETTLED_S_MAX:
        last, counts = counts, await one.counts()
        if counts != last:
            moved_at = time.monotonic()
        if now - began_at <= SOON_S:
            counted_soon = counts.total()
        if counts == truth:
            break
        await asyncio.sleep(LOOK_EVERY_S)
    return counts, counted_soon, moved_at - began_at


def _by_region(truth: Mapping[str, int]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for key, count in truth.items():
        totals[key.partition("|")[0]] += count
    return totals


@asynccontextmanager
async def _ours(folder: Path, topics: Topics) -> AsyncIterator[Ours]:
    async with AsyncExitStack() as opened:
        server = await asyncio.to_thread(TestServer)
        opened.callback(server.close)
        commissioned = await asyncio.to_thread(commission, server, folder)
        databases = await asyncio.to_thread(server.clone, commissioned.template)
        place = surroundings(folder / "stack", databases.urls(), topics.environment(), commissioned.secrets)
        yield Ours(Stack(replace(place, keys=commissioned.keys)), databases)


@asynccontextmanager
async def _contestant(name: str, folder: Path, topics: Topics) -> AsyncIterator[Contestant]:
    if name == "ours":
        async with _ours(folder / "ours", topics) as ours:
            yield ours
    else:
        yield streams(topics, folder) if name == "streams" else faust_table(topics, folder)


async def compare(folder: Path, events: int, kills: int) -> list[Trial]:
    """One counter after another, each on topics of its own with the same events in them."""
    broker = await asyncio.to_thread(Broker, folder, session_timeout_ms=9_000)
    try:
        await broker.ready()
        trials = []
        for name in ("ours", "streams", "faust"):
            topics = Topics(broker.bootstrap_servers, f"p{uuid4().hex[:6]}-")
            await topics.create()
            async with _contestant(name, folder, topics) as contestant:
                trials.append(await trial(contestant, topics, events, kills))
            print(_row(trials[-1]), flush=True)  # a terminal is told how it goes
        return trials
    finally:
        broker.close()


def as_markdown(trials: list[Trial]) -> str:
    """A row for each counter."""
    head = (
        f"| counter | kills | events | counted {SOON_S:.0f} s after the last kill | in the end | "
        "lost per 100 kills | doubled per 100 kills | count moved for |"
    )
    return "\n".join([head, "| --- | --- | --- | --- | --- | --- | --- | --- |", *map(_row, trials)])


def _row(one: Trial) -> str:
    return (
        f"| {one.name} | {one.kills} | {one.events:,} | {one.counted_soon:,} | {one.counted:,} "
        f"| {one.per_100_kills(one.lost):,.0f} | {one.per_100_kills(one.doubled):,.0f} "
        f"| {one.settled_s:.0f} s |"
    )


def as_json(trials: list[Trial]) -> list[dict[str, object]]:
    """The same for a program."""
    return [
        {
            "counter": one.name,
            "kills": one.kills,
            "events": one.events,
            "counted_45_s_after": one.counted_soon,
            "counted": one.counted,
            "lost": one.lost,
            "doubled": one.doubled,
            "lost_per_100_kills": round(one.per_100_kills(one.lost)),
            "doubled_per_100_kills": round(one.per_100_kills(one.doubled)),
            "settled_s": one.settled_s,
        }
        for one in trials
    ]


def main(
    events: Annotated[int, typer.Option(help="How many events each counter is given.")] = 300_000,
    kills: Annotated[int, typer.Option(help="How many kills of one of its two processes.")] = 12,
    report: Annotated[Path | None, typer.Option(help="Write the figures here, as JSON.")] = None,
) -> None:
    """Kill our aggregator and two stock counters alike; fails where ours lost or doubled anything."""
    with tempfile.TemporaryDirectory(prefix="peers-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may run as another user
        trials = asyncio.run(compare(folder, events, kills))
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(as_json(trials), indent=1) + "\n", encoding="utf-8")
        report.with_suffix(".md").write_text(as_markdown(trials) + "\n", encoding="utf-8")
    print(as_markdown(trials))  # what it is for
    ours = trials[0]
    raise typer.Exit(1 if ours.lost or ours.doubled else 0)


if __name__ == "__main__":
    typer.run(main)

"""Compares the aggregator with two stock counters under the same kills: `make faults-peers`."""

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

from aggregator.domain.event_fold import PARTITIONS
from bench.fixtures.event_backlog import EventGenerator, event_generator
from faults.peer_counters import AggregatorCounter, ComparedCounter, faust_table, streams
from tests.support.broker import Broker
from tests.support.postgres_server import TestServer
from tests.support.register_with_keys import commission
from tests.support.stack import Stack, stack_config
from tests.support.topic_prefixes import Topics

STEP_S: Final = 0.1
FIRST_KILL_S: Final = 5.0
KILL_EVERY_S: Final = 5.0
EARLY_S: Final = 45.0
UNCHANGED_S: Final = 90.0
"""A count that has not changed for this time is final. The time exceeds Faust's session timeout (60 s)."""
SETTLED_S_MAX: Final = 240.0
POLL_EVERY_S: Final = 2.0


@dataclass(frozen=True)
class Trial:
    """How many events one counter counted, lost and counted twice while its processes were killed."""

    name: str
    kills: int
    events: int
    counted_early: int
    """The number of events counted EARLY_S after the last event, which is sent after the last kill."""
    counted: int
    lost: int
    doubled: int
    settled_s: float
    """Seconds from the last event to the last change of the count."""

    def per_100_kills(self, events: int) -> float:
        """Scale a number of events to 100 kills."""
        return 100 * events / self.kills


async def run_trial(counter: ComparedCounter, topics: Topics, events: int, kills: int) -> Trial:
    """Send events, and meanwhile kill the counter's processes in turn. Return its result."""
    events_source = event_generator()
    await counter.start()
    try:
        seconds = FIRST_KILL_S + kills * KILL_EVERY_S
        sending = asyncio.ensure_future(_send_events(topics, events_source, events, seconds))
        await asyncio.sleep(FIRST_KILL_S)
        for number in range(kills):
            counter.kill(number % 2)
            await asyncio.sleep(KILL_EVERY_S)
        await sending
        expected = _by_region(events_source.expected)
        counts, counted_early, settled_s = await _settled_counts(counter, expected)
    finally:
        await counter.close()
    return Trial(
        name=counter.name,
        kills=kills,
        events=expected.total(),
        counted_early=counted_early,
        counted=counts.total(),
        lost=(expected - counts).total(),
        doubled=(counts - expected).total(),
        settled_s=round(settled_s, 1),
    )


async def _send_events(topics: Topics, events_source: EventGenerator, events: int, seconds: float) -> None:
    """Send each event once, at a constant rate. Every partition gets the same number of events."""
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
            await _send_to_each_partition(
                producer, topics.name("participant-events"), events_source, due - sent
            )
            sent = due
            await asyncio.sleep(max(0.0, began_at + step * STEP_S - time.monotonic()))
        await producer.flush()
    finally:
        await producer.stop()


async def _send_to_each_partition(
    producer: AIOKafkaProducer, topic: str, events_source: EventGenerator, events: int
) -> None:
    for partition in range(PARTITIONS):
        for key, value in events_source.values(partition, events):
            await producer.send(topic, value, key, partition=partition)


async def _settled_counts(
    counter: ComparedCounter, expected: Counter[str]
) -> tuple[Counter[str], int, float]:
    """Wait until the counts are as expected or no longer change, but at most SETTLED_S_MAX.

    Return these counts, the total count EARLY_S after the call, and the seconds from the call to the last
    change of a count.
    """
    began_at = changed_at = time.monotonic()
    counts: Counter[str] = Counter()
    counted_early = 0
    while (now := time.monotonic()) - changed_at < UNCHANGED_S and now - began_at < SETTLED_S_MAX:
        last, counts = counts, await counter.counts()
        if counts != last:
            changed_at = time.monotonic()
        if now - began_at <= EARLY_S:
            counted_early = counts.total()
        if counts == expected:
            break
        await asyncio.sleep(POLL_EVERY_S)
    return counts, counted_early, changed_at - began_at


def _by_region(counts: Mapping[str, int]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for key, count in counts.items():
        totals[key.partition("|")[0]] += count
    return totals


@asynccontextmanager
async def _aggregator(folder: Path, topics: Topics) -> AsyncIterator[AggregatorCounter]:
    async with AsyncExitStack() as opened:
        server = await asyncio.to_thread(TestServer)
        opened.callback(server.close)
        commissioned = await asyncio.to_thread(commission, server, folder)
        databases = await asyncio.to_thread(server.clone, commissioned.template)
        process_environment = stack_config(
            folder / "stack", databases.addresses(), topics.environment(), commissioned.secrets
        )
        yield AggregatorCounter(Stack(replace(process_environment, keys=commissioned.keys)), databases)


@asynccontextmanager
async def _open_counter(name: str, folder: Path, topics: Topics) -> AsyncIterator[ComparedCounter]:
    if name == "ours":
        async with _aggregator(folder / "ours", topics) as aggregator:
            yield aggregator
    else:
        yield streams(topics, folder) if name == "streams" else faust_table(topics, folder)


async def compare(folder: Path, events: int, kills: int) -> list[Trial]:
    """Run one counter after another, each with its own topics and the same events."""
    broker = await asyncio.to_thread(Broker, folder, session_timeout_ms=9_000)
    try:
        await broker.ready()
        trials = []
        for name in ("ours", "streams", "faust"):
            topics = Topics(broker.bootstrap_servers, f"p{uuid4().hex[:6]}-")
            await topics.create()
            async with _open_counter(name, folder, topics) as counter:
                trials.append(await run_trial(counter, topics, events, kills))
            print(_row(trials[-1]), flush=True)
        return trials
    finally:
        broker.close()


def as_markdown(trials: list[Trial]) -> str:
    """Format a table with one row per counter."""
    head = (
        f"| counter | kills | events | counted {EARLY_S:.0f} s after the last kill | counted at the end | "
        "lost per 100 kills | doubled per 100 kills | count changed for |"
    )
    return "\n".join([head, "| --- | --- | --- | --- | --- | --- | --- | --- |", *map(_row, trials)])


def _row(trial: Trial) -> str:
    return (
        f"| {trial.name} | {trial.kills} | {trial.events:,} | {trial.counted_early:,} | {trial.counted:,} "
        f"| {trial.per_100_kills(trial.lost):,.0f} | {trial.per_100_kills(trial.doubled):,.0f} "
        f"| {trial.settled_s:.0f} s |"
    )


def as_json(trials: list[Trial]) -> list[dict[str, object]]:
    """Format the same table as JSON."""
    return [
        {
            "counter": trial.name,
            "kills": trial.kills,
            "events": trial.events,
            "counted_45_s_after": trial.counted_early,
            "counted": trial.counted,
            "lost": trial.lost,
            "doubled": trial.doubled,
            "lost_per_100_kills": round(trial.per_100_kills(trial.lost)),
            "doubled_per_100_kills": round(trial.per_100_kills(trial.doubled)),
            "settled_s": trial.settled_s,
        }
        for trial in trials
    ]


def main(
    events: Annotated[int, typer.Option(help="The number of events sent to each counter.")] = 300_000,
    kills: Annotated[int, typer.Option(help="The number of kills for each counter.")] = 12,
    report: Annotated[Path | None, typer.Option(help="Write the figures here, as JSON.")] = None,
) -> None:
    """Kill processes of the aggregator and of two stock counters, and compare their counts.

    Exit with 1 if the aggregator lost or doubled an event.
    """
    with tempfile.TemporaryDirectory(prefix="peers-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may run as another user, who must be able to enter the folder
        trials = asyncio.run(compare(folder, events, kills))
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(as_json(trials), indent=1) + "\n", encoding="utf-8")
        report.with_suffix(".md").write_text(as_markdown(trials) + "\n", encoding="utf-8")
    print(as_markdown(trials))
    ours = trials[0]
    raise typer.Exit(1 if ours.lost or ours.doubled else 0)


if __name__ == "__main__":
    typer.run(main)

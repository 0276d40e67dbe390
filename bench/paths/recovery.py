"""Path `recovery`: one of two workers is killed; time until the other worker has counted all events.

Events arrive throughout. The clock starts when the broker removes the killed worker from the group; the
session time-out before that is the same for both contenders. The clock stops when all events are counted
durably.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from bench.fixtures import worker_and_counts
from bench.fixtures.consumer_group_status import ConsumerGroup
from bench.fixtures.event_backlog import EventGenerator, event_generator
from bench.fixtures.kafka_and_postgres import Servers, running_servers
from bench.paths.path_definition import Contender, Figure, Goal, Measurement, Path, Scale
from bench.rivals import rival_measurement
from bench.rivals.rival_measurement import Rival
from database.address import DatabaseAddress
from kafka.settings import KafkaSettings

T = TypeVar("T")

STREAMS: Final = Rival("Kafka Streams processor", rival_measurement.streams("processor"))
WARM_UP_S: Final = {Scale.FULL: 8.0, Scale.QUICK: 4.0, Scale.SMOKE: 2.0}
WRITE_AFTER_KILL_S: Final = 1.0
ROUNDS_PER_S: Final = 20
PER_ROUND: Final = 3
"""Events written to each partition per round, which makes about 700 events per second in all."""
DEADLINE_S: Final = 90.0
POLL_EVERY_S: Final = 0.01
UNBOUNDED: Final = str(10**12)


@dataclass(frozen=True)
class Setup:
    """The servers, the database's address, and for how many seconds events are written before the kill."""

    servers: Servers
    address: DatabaseAddress
    warm_up_s: float


@dataclass(frozen=True)
class WorkerPair:
    """Two workers of the same kind in one group: functions that start a worker and that read the counts."""

    group: str
    start: Callable[[], subprocess.Popen[bytes]]
    counted: Callable[[], Awaitable[int]]
    totals: Callable[[], Awaitable[Mapping[str, int]]]
    """Returns the final counts; called after the surviving worker got SIGTERM."""


@asynccontextmanager
async def open_setup(scale: Scale) -> AsyncIterator[Setup]:
    """Start the servers; each measurement creates its own topics."""
    async with running_servers() as servers:
        yield Setup(servers, servers.database("bench", "aggregator")["aggregator"], WARM_UP_S[scale])


async def ours(setup: Setup) -> Measurement:
    """Measure two of our workers."""
    settings = await setup.servers.topics(f"recovery-{uuid4().hex[:6]}-")
    name = worker_and_counts.new_group()
    log = setup.servers.folder / "recovery.log"
    async with worker_and_counts.empty_tallies(setup.address) as connection:
        pair = WorkerPair(
            settings.topic(name),
            lambda: worker_and_counts.start(settings, setup.address, name, log),
            lambda: worker_and_counts.counted_events(connection),
            lambda: worker_and_counts.tallies_by_kelurahan(connection),
        )
        return await _recover(setup, settings, pair)


async def streams(setup: Setup) -> Measurement:
    """Measure two Kafka Streams instances of the processor topology."""
    settings = await setup.servers.topics(f"recovery-{uuid4().hex[:6]}-")
    topic, name = settings.topic("participant-events"), worker_and_counts.new_group()
    outs = []

    def start() -> subprocess.Popen[bytes]:
        own = {"BENCH_TOPIC": topic, "BENCH_GROUP": name, "BENCH_EVENTS": UNBOUNDED}
        process, out = rival_measurement.start(setup.servers, STREAMS, own)
        outs.append(out)
        return process

    async def totals() -> Mapping[str, int]:
        async def report() -> dict[str, Any] | None:
            return rival_measurement.report_in(outs[-1])

        counts: Mapping[str, int] = (await _until(report, "the surviving worker's report"))["counts"]
        return counts

    async with ConsumerGroup(settings, name) as group:
        return await _recover(
            setup, settings, WorkerPair(name, start, lambda: group.committed_offsets_sum(topic), totals)
        )


async def _recover(setup: Setup, settings: KafkaSettings, pair: WorkerPair) -> Measurement:
    generator = event_generator()
    processes = [pair.start(), pair.start()]
    try:
        async with ConsumerGroup(settings, pair.group) as group, _writing(settings, generator) as write:
            await _until(lambda: group.is_stable(2), "two members")
            await write(setup.warm_up_s)
            await _until(lambda: _all_counted(pair, generator), "all events counted before the kill")
            killed_at, removed_at, counted_at = await _kill_and_wait(
                group, pair, processes[0], generator, write
            )
        processes[1].send_signal(signal.SIGTERM)
        rival_measurement.check(await pair.totals(), generator.expected)
    finally:
        for process in processes:
            process.kill()
            process.wait(30)
    return Measurement({"beyond the time-out": counted_at - removed_at, "in all": counted_at - killed_at})


async def _kill_and_wait(
    group: ConsumerGroup,
    pair: WorkerPair,
    process: subprocess.Popen[bytes],
    generator: EventGenerator,
    write: Callable[[float], Awaitable[None]],
) -> tuple[float, float, float]:
    writing = asyncio.ensure_future(write(2 * WRITE_AFTER_KILL_S))
    await asyncio.sleep(WRITE_AFTER_KILL_S)
    process.kill()
    killed_at = time.monotonic()
    await writing
    removed_at = await _member_removed_at(group)
    await _until(lambda: _all_counted(pair, generator), "all events counted after the kill")
    return killed_at, removed_at, time.monotonic()


async def _member_removed_at(group: ConsumerGroup) -> float:
    """Return the time of the last poll that found both members; the member is removed soon after it."""
    ends = time.monotonic() + DEADLINE_S
    polled_at = time.monotonic()
    while await group.is_stable(2) is not False:
        polled_at = time.monotonic()
        if polled_at > ends:
            raise TimeoutError(f"the broker did not remove the killed member within {DEADLINE_S:.0f} s")
        await asyncio.sleep(POLL_EVERY_S)
    return polled_at


async def _all_counted(pair: WorkerPair, generator: EventGenerator) -> bool:
    return await pair.counted() >= sum(generator.sequences)


async def _until(condition: Callable[[], Awaitable[T | None]], name: str) -> T:
    ends = time.monotonic() + DEADLINE_S
    while not (value := await condition()):
        if time.monotonic() > ends:
            raise TimeoutError(f"waited {DEADLINE_S:.0f} s for: {name}")
        await asyncio.sleep(POLL_EVERY_S)
    return value


@asynccontextmanager
async def _writing(
    settings: KafkaSettings, generator: EventGenerator
) -> AsyncIterator[Callable[[float], Awaitable[None]]]:
    """Yield a function that writes events at a constant rate for a number of seconds, and awaits all acks."""
    producer = AIOKafkaProducer(**settings.client_options(), linger_ms=5)
    topic = settings.topic("participant-events")

    async def write(seconds: float) -> None:
        began_at = time.monotonic()
        for number in range(round(seconds * ROUNDS_PER_S)):
            acknowledgements = [
                await producer.send(topic, value, key, partition)
                for partition in range(len(generator.sequences))
                for key, value in generator.values(partition, PER_ROUND)
            ]
            await asyncio.gather(*acknowledgements)
            await asyncio.sleep(max(0.0, began_at + (number + 1) / ROUNDS_PER_S - time.monotonic()))

    await producer.start()
    try:
        yield write
    finally:
        await producer.stop()


PATH: Final = Path(
    name="recovery",
    about=(
        "One of two workers is killed with SIGKILL while 700 events per second arrive. The time until all "
        "events are counted: from the moment when the broker removes the killed worker (session time-out 6 s "
        "for both), and in all."
    ),
    figures={
        "beyond the time-out": Figure("s", more_is_better=False),
        "in all": Figure("s", more_is_better=False),
    },
    ours=Contender("aggregator workers", ours),
    rivals=(Contender(STREAMS.name, streams),),
    goals=(Goal("beyond the time-out", STREAMS.name, at_least=2), Goal("in all", STREAMS.name)),
    open=open_setup,
)

"""The path of a recovery: one of two workers is killed, and the other has everything counted again.

Events come all the while. The clock starts when the broker gives the dead member up, which takes both sides
the same time-out, and stops when all that was written before and after the kill is counted durably.
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

from bench.fixtures import aggregator_worker
from bench.fixtures.consumer_group_status import Group
from bench.fixtures.event_backlog import Source, source
from bench.fixtures.kafka_and_postgres import Servers, running
from bench.paths.model import Contender, Figure, Goal, Measured, Path, Scale
from bench.rivals import rival_process
from bench.rivals.rival_process import Rival
from settings.kafka import KafkaSettings

T = TypeVar("T")

STREAMS: Final = Rival("Kafka Streams processor", rival_process.streams("processor"))
WARM_UP_S: Final = {Scale.FULL: 8.0, Scale.QUICK: 4.0, Scale.SMOKE: 2.0}
AFTERWARDS_S: Final = 1.0
ROUNDS_PER_S: Final = 20
PER_ROUND: Final = 3
"""Events per partition and round: some 700 a second in all."""
DEADLINE_S: Final = 90.0
LOOK_EVERY_S: Final = 0.01
UNBOUNDED: Final = str(10**12)


@dataclass(frozen=True)
class World:
    """Servers, a database, and how long to write before the kill."""

    servers: Servers
    url: str
    warm_up_s: float


@dataclass(frozen=True)
class Team:
    """Two of a kind in one group: how one is started, what they have counted, what it comes to at the end."""

    group: str
    start: Callable[[], subprocess.Popen[bytes]]
    counted: Callable[[], Awaitable[int]]
    totals: Callable[[], Awaitable[Mapping[str, int]]]
    """Asked after the survivor has been told to stop."""


@asynccontextmanager
async def opened(scale: Scale) -> AsyncIterator[World]:
    """Start the servers; each measurement makes topics of its own."""
    async with running() as servers:
        yield World(servers, servers.database("bench", "aggregator")["aggregator"], WARM_UP_S[scale])


async def ours(world: World) -> Measured:
    """Two workers."""
    settings = await world.servers.topics(f"recovery-{uuid4().hex[:6]}-")
    name = aggregator_worker.group()
    log = world.servers.folder / "recovering.log"
    async with aggregator_worker.counts(world.url) as connection:
        team = Team(
            settings.topic(name),
            lambda: aggregator_worker.start(settings, world.url, name, log),
            lambda: aggregator_worker.counted(connection),
            lambda: aggregator_worker.per_kelurahan(connection),
        )
        return await _recover(world, settings, team)


async def streams(world: World) -> Measured:
    """Two instances of the processor."""
    settings = await world.servers.topics(f"recovery-{uuid4().hex[:6]}-")
    topic, name = settings.topic("participant-events"), aggregator_worker.group()
    outs = []

    def start() -> subprocess.Popen[bytes]:
        own = {"BENCH_TOPIC": topic, "BENCH_GROUP": name, "BENCH_EVENTS": UNBOUNDED}
        process, out = rival_process.start(world.servers, STREAMS, own)
        outs.append(out)
        return process

    async def totals() -> Mapping[str, int]:
        async def report() -> dict[str, Any] | None:
            return rival_process.report_in(outs[-1])

        counts: Mapping[str, int] = (await _until(report, "the survivor's report"))["counts"]
        return counts

    async with Group(settings, name) as group:
        return await _recover(world, settings, Team(name, start, lambda: group.committed(topic), totals))


async def _recover(world: World, settings: KafkaSettings, team: Team) -> Measured:
    written = source()
    processes = [team.start(), team.start()]
    try:
        async with Group(settings, team.group) as group, _writing(settings, written) as write:
            await _until(lambda: group.settled(2), "two members")
            await write(world.warm_up_s)
            await _until(lambda: _reached(team, written), "all counted before the kill")
            killed_at, gone_at, counted_at = await _kill_and_wait(group, team, processes[0], written, write)
        processes[1].send_signal(signal.SIGTERM)
        rival_process.check(await team.totals(), written.truth)
    finally:
        for process in processes:
            process.kill()
            process.wait(30)
    return Measured({"beyond the time-out": counted_at - gone_at, "in all": counted_at - killed_at})


async def _kill_and_wait(
    group: Group,
    team: Team,
    process: subprocess.Popen[bytes],
    written: Source,
    write: Callable[[float], Awaitable[None]],
) -> tuple[float, float, float]:
    writing = asyncio.ensure_future(write(2 * AFTERWARDS_S))
    await asyncio.sleep(AFTERWARDS_S)
    process.kill()
    killed_at = time.monotonic()
    await writing
    gone_at = await _given_up(group)
    await _until(lambda: _reached(team, written), "all counted after the kill")
    return killed_at, gone_at, time.monotonic()


async def _given_up(group: Group) -> float:
    """The moment after the last look that still saw both: the sharing may be over before the next one."""
    ends = time.monotonic() + DEADLINE_S
    looked_at = time.monotonic()
    while await group.settled(2) is not False:
        looked_at = time.monotonic()
        if looked_at > ends:
            raise TimeoutError(f"the broker did not give the dead one up within {DEADLINE_S:.0f} s")
        await asyncio.sleep(LOOK_EVERY_S)
    return looked_at


async def _reached(team: Team, written: Source) -> bool:
    return await team.counted() >= sum(written.sequences)


async def _until(condition: Callable[[], Awaitable[T | None]], name: str) -> T:
    ends = time.monotonic() + DEADLINE_S
    while not (value := await condition()):
        if time.monotonic() > ends:
            raise TimeoutError(f"not within {DEADLINE_S:.0f} s: {name}")
        await asyncio.sleep(LOOK_EVERY_S)
    return value


@asynccontextmanager
async def _writing(
    settings: KafkaSettings, written: Source
) -> AsyncIterator[Callable[[float], Awaitable[None]]]:
    """Yields what writes for so many seconds at a steady pace, and ends when all of it is in the topic."""
    producer = AIOKafkaProducer(**settings.client_options(), linger_ms=5)
    topic = settings.topic("participant-events")

    async def write(seconds: float) -> None:
        began_at = time.monotonic()
        for number in range(round(seconds * ROUNDS_PER_S)):
            sent = [
                await producer.send(topic, value, key, partition)
                for partition in range(len(written.sequences))
                for key, value in written.values(partition, PER_ROUND)
            ]
            await asyncio.gather(*sent)
            await asyncio.sleep(max(0.0, began_at + (number + 1) / ROUNDS_PER_S - time.monotonic()))

    await producer.start()
    try:
        yield write
    finally:
        await producer.stop()


PATH: Final = Path(
    name="recovery",
    about=(
        "One of two workers is killed with -9 while 700 events a second arrive; timed until everything is "
        "counted, beyond the moment the broker gives the dead one up (session time-out 6 s for both), and in "
        "all."
    ),
    figures={
        "beyond the time-out": Figure("s", more_is_better=False),
        "in all": Figure("s", more_is_better=False),
    },
    ours=Contender("aggregator workers", ours),
    rivals=(Contender(STREAMS.name, streams),),
    goals=(Goal("beyond the time-out", STREAMS.name, at_least=2), Goal("in all", STREAMS.name)),
    open=opened,
)

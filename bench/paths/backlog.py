"""The path of a backlog: how fast one worker counts events that wait in the topic, durably."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from aggregator.decoding.decoder import Wish, compiled_decoder
from bench.fixtures import aggregator_worker
from bench.fixtures.event_backlog import Backlog, fill
from bench.fixtures.kafka_and_postgres import Servers, running
from bench.measurement.process_usage import Meter
from bench.paths.model import Contender, Figure, Goal, Measured, Path, Scale, SkippedError
from bench.rivals import rival_process
from bench.rivals.rival_process import Rival

EVENTS: Final = {Scale.FULL: 3_000_000, Scale.QUICK: 300_000, Scale.SMOKE: 20_000}
SLOW_EVENTS: Final = {Scale.FULL: 120_000, Scale.QUICK: 24_000, Scale.SMOKE: 6_000}
"""What the slow ones count: at less than a tenth of our speed the whole tells no more, and takes hours."""
DEADLINE_S: Final = 600.0

PROCESSOR: Final = Rival("Kafka Streams processor", rival_process.streams("processor"))
DSL: Final = Rival("Kafka Streams DSL", rival_process.streams("dsl"))
FAUST: Final = Rival("stock Faust", rival_process.python("faust_counter"))
UNTABLED: Final = Rival("Faust agent without a table", (*rival_process.python("faust_counter"), "untabled"))
QUIX: Final = Rival("Quix Streams", rival_process.quix())
BARE: Final = Rival("bare aiokafka", rival_process.python("aiokafka_counter"))


@dataclass(frozen=True)
class World:
    """Servers, the backlog, and the shorter one."""

    servers: Servers
    url: str
    backlog: Backlog
    shorter: Backlog


@asynccontextmanager
async def opened(scale: Scale) -> AsyncIterator[World]:
    """Fill the topics."""
    async with running() as servers:
        url = servers.database("bench", "aggregator")["aggregator"]
        backlog = await fill(await servers.topics(), EVENTS[scale])
        shorter = await fill(await servers.topics("shorter-"), SLOW_EVENTS[scale])
        yield World(servers, url, backlog, shorter)


async def count(world: World, compiled: Wish) -> Measured:
    """Our worker: from the first tenth that PostgreSQL has to the last event. Raises SkippedError."""
    if compiled == "on" and compiled_decoder() is None:
        raise SkippedError("the compiled step is not built: install a C compiler, then make setup")
    backlog = world.backlog
    async with aggregator_worker.counts(world.url) as connection:
        started_at = time.monotonic()
        log = world.servers.folder / "worker.log"
        process = aggregator_worker.start(
            backlog.settings, world.url, aggregator_worker.group(), log, compiled
        )
        try:
            meter = Meter({"worker": process.pid, **world.servers.pids})
            first, began_at = await aggregator_worker.until_counted(
                connection, process, backlog.events // 10, DEADLINE_S
            )
            if first == backlog.events:  # one batch held all of a small backlog
                first, began_at = 0, started_at
            _, ended_at = await aggregator_worker.until_counted(
                connection, process, backlog.events, DEADLINE_S
            )
            usages = meter.stop()
        finally:
            process.terminate()
            process.wait(30)
        rival_process.check(await aggregator_worker.per_kelurahan(connection), backlog.truth)
    return Measured({"rate": (backlog.events - first) / (ended_at - began_at)}, backlog.events, usages)


def _rival(rival: Rival, *, slow: bool = False) -> Contender:
    def run(world: World) -> Awaitable[Measured]:
        return rival_process.race(world.servers, rival, world.shorter if slow else world.backlog)

    runs: Callable[[World], Awaitable[Measured]] = run
    return Contender(rival.name, runs)


def _path(name: str, how: str, compiled: Wish, goals: Mapping[str, float | None]) -> Path:
    return Path(
        name=name,
        about=(
            "One process counts a backlog of contract events in 12 partitions, timed from the first tenth to "
            f"the last event. Ours decodes {how} and adds to every scope, level and minute, with the "
            "position, in PostgreSQL; rivals count one key per event. Faust and Quix Streams do a small part "
            "of the backlog: at their pace it tells as much."
        ),
        figures={"rate": Figure("events/s")},
        ours=Contender("aggregator worker", partial(count, compiled=compiled)),
        rivals=(
            _rival(BARE),
            _rival(PROCESSOR),
            _rival(DSL),
            _rival(FAUST, slow=True),
            _rival(UNTABLED, slow=True),
            _rival(QUIX, slow=True),
        ),
        goals=tuple(Goal("rate", rival, at_least=ratio) for rival, ratio in goals.items()),
        open=opened,
    )


PATH: Final = _path(
    "backlog",
    "in pure Python",
    "off",
    {PROCESSOR.name: 1.2, DSL.name: 2, FAUST.name: 16, UNTABLED.name: None, QUIX.name: 12, BARE.name: 0.9},
)
COMPILED: Final = _path(
    "backlog-compiled",
    "in its compiled step",
    "on",
    {PROCESSOR.name: 2, DSL.name: 4, FAUST.name: 30, UNTABLED.name: None, QUIX.name: 15, BARE.name: 1.5},
)

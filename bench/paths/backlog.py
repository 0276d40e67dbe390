"""Path `backlog`: events per second that one worker reads from a full topic and counts durably."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from aggregator.decoding.decoder_selection import CompiledMode, DecoderReason, compiled_decoder
from bench.fixtures import worker_and_counts
from bench.fixtures.event_backlog import Backlog, EventSource, event_generator, fill_topic
from bench.fixtures.kafka_and_postgres import Servers, running_servers
from bench.fixtures.mixed_night import MixedNight
from bench.measurement.process_usage import Meter
from bench.paths.path_definition import Contender, Figure, Goal, Measurement, Path, Scale, SkippedError
from bench.rivals import rival_measurement
from bench.rivals.rival_measurement import Rival
from database.address import DatabaseAddress

EVENTS: Final = {Scale.FULL: 3_000_000, Scale.QUICK: 300_000, Scale.SMOKE: 20_000}
SLOW_EVENTS: Final = {Scale.FULL: 120_000, Scale.QUICK: 24_000, Scale.SMOKE: 6_000}
"""The number of events for slow rivals, which would need hours to count the full backlog."""
DEADLINE_S: Final = 600.0

PROCESSOR: Final = Rival("Kafka Streams processor", rival_measurement.streams("processor"))
DSL: Final = Rival("Kafka Streams DSL", rival_measurement.streams("dsl"))
FAUST: Final = Rival("stock Faust", rival_measurement.python("faust_counter"))
UNTABLED: Final = Rival(
    "Faust agent without a table", (*rival_measurement.python("faust_counter"), "untabled")
)
QUIX: Final = Rival("Quix Streams", rival_measurement.quix())
BARE: Final = Rival("bare aiokafka", rival_measurement.python("aiokafka_counter"))


@dataclass(frozen=True)
class Setup:
    """The servers, the database's address, the backlog, and the shorter backlog for slow rivals."""

    servers: Servers
    address: DatabaseAddress
    backlog: Backlog
    short_backlog: Backlog


@asynccontextmanager
async def open_setup(
    scale: Scale, new_source: Callable[[], EventSource] = event_generator
) -> AsyncIterator[Setup]:
    """Start the servers and fill the topics, each from a new source."""
    async with running_servers() as servers:
        address = servers.database("bench", "aggregator")["aggregator"]
        backlog = await fill_topic(await servers.topics(), EVENTS[scale], new_source())
        short_backlog = await fill_topic(await servers.topics("shorter-"), SLOW_EVENTS[scale], new_source())
        yield Setup(servers, address, backlog, short_backlog)


async def count(setup: Setup, compiled: CompiledMode) -> Measurement:
    """Measure our worker from the moment when PostgreSQL has a tenth of the events counted until all are.

    Raises SkippedError if `compiled` is "on" and no compiled decoder can be used.
    """
    if compiled == "on" and (reason := compiled_decoder().reason) is not DecoderReason.BUILT:
        raise SkippedError(f"the compiled decoder is {reason.value}: install a C compiler, then make setup")
    backlog = setup.backlog
    async with worker_and_counts.empty_tallies(setup.address) as connection:
        started_at = time.monotonic()
        log = setup.servers.folder / "worker.log"
        process = worker_and_counts.start(
            backlog.settings, setup.address, worker_and_counts.new_group(), log, compiled
        )
        try:
            meter = Meter({"worker": process.pid, **setup.servers.pids})
            first, began_at = await worker_and_counts.wait_counted(
                connection, process, backlog.events // 10, DEADLINE_S
            )
            if first == backlog.events:  # one statement counted the whole small backlog
                first, began_at = 0, started_at
            _, ended_at = await worker_and_counts.wait_counted(
                connection, process, backlog.events, DEADLINE_S
            )
            usages = meter.stop()
        finally:
            process.terminate()
            process.wait(30)
        rival_measurement.check(await worker_and_counts.tallies_by_kelurahan(connection), backlog.expected)
    return Measurement({"rate": (backlog.events - first) / (ended_at - began_at)}, backlog.events, usages)


def _rival(rival: Rival, *, slow: bool = False) -> Contender:
    def run(setup: Setup) -> Awaitable[Measurement]:
        return rival_measurement.measure(setup.servers, rival, setup.short_backlog if slow else setup.backlog)

    measure: Callable[[Setup], Awaitable[Measurement]] = run
    return Contender(rival.name, measure)


def _path(
    name: str,
    events: str,
    how: str,
    compiled: CompiledMode,
    goals: Mapping[str, float | None],
    new_source: Callable[[], EventSource] = event_generator,
) -> Path:
    return Path(
        name=name,
        about=(
            f"One process counts a backlog of {events} in 12 partitions, timed from the first tenth to the "
            f"last event. Ours decodes {how} and stores the tallies of every scope and region level, with "
            "the position, in PostgreSQL; rivals count one key per event. Faust and Quix Streams count a "
            "small part of the backlog, because all of it would take hours at the same rate."
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
        open=partial(open_setup, new_source=new_source),
    )


REGISTRATIONS: Final = "registrations"
MIXED: Final = "registrations, steps, moves, corrections and withdrawals"
PURE: Final = "in pure Python"
NATIVE: Final = "with the compiled decoder"
PATH: Final = _path(
    "backlog",
    REGISTRATIONS,
    PURE,
    "off",
    {PROCESSOR.name: 1.2, DSL.name: 2, FAUST.name: 16, UNTABLED.name: None, QUIX.name: 12, BARE.name: 0.9},
)
COMPILED: Final = _path(
    "backlog-compiled",
    REGISTRATIONS,
    NATIVE,
    "on",
    {PROCESSOR.name: 2, DSL.name: 4, FAUST.name: 30, UNTABLED.name: None, QUIX.name: 15, BARE.name: 1.5},
)
UNJUDGED: Final = dict.fromkeys(rival.name for rival in (PROCESSOR, DSL, FAUST, UNTABLED, QUIX, BARE))
MIXED_PATH: Final = _path("backlog-mixed", MIXED, PURE, "off", UNJUDGED, MixedNight)
MIXED_COMPILED: Final = _path("backlog-mixed-compiled", MIXED, NATIVE, "on", UNJUDGED, MixedNight)

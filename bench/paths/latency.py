"""Path `latency`: time from a registration's response 201 to the stream's first count that includes it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

import aiohttp

from bench.fixtures.service_processes import BOARD_PIPELINE, ServiceProcesses, running_services
from bench.measurement.process_usage import Meter
from bench.paths import intake
from bench.paths.path_definition import Contender, Figure, Goal, Measurement, Path, Scale, WrongCountsError
from deploy.local.paths import ROOT
from simulator.clients.sse_client import messages
from simulator.load.latencies import Latencies

MAXIMUM_S: Final = {Scale.FULL: 8, Scale.QUICK: 3, Scale.SMOKE: 1}
TIMED_S: Final = {Scale.FULL: 30.0, Scale.QUICK: 8.0, Scale.SMOKE: 1.0}
SHARE_OF_MAXIMUM: Final = 0.5
COUNTED_S_MAX: Final = 120.0
FIRST_PERSON: Final = 50_000_000
"""The number of the first registered person, above all person numbers that wrk uses."""
FLOOR_MS: Final = (25 + 100) / 2
"""The mean wait for the relay's poll (every 25 ms) and the next cut (every 100 ms). No other step waits."""


@dataclass
class StreamCounts:
    """The counts of each kelurahan on the board's stream, with the arrival time of each count."""

    arrivals: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))

    async def follow(self, url: str) -> None:
        """Read the stream until this task is cancelled."""
        async with aiohttp.ClientSession() as session:
            async for message in messages(session, f"{url}/v1/stream?down_to=subdistrict"):
                at_s = time.monotonic()
                for row in message.rows():
                    self.arrivals[row["region"]].append((row["counts"]["registered"], at_s))

    def reached_at_s(self, region: str, count: int) -> float:
        """Return the monotonic time when the region's count first reached `count`."""
        counts = self.arrivals[region]
        return counts[bisect_left(counts, count, key=itemgetter(0))][1]

    def count(self, region: str) -> int:
        """Return the newest count of a region."""
        return self.arrivals[region][-1][0] if self.arrivals[region] else 0


@dataclass
class Setup:
    """All processes, the board's stream, the rate, and the number of registrations so far."""

    services: ServiceProcesses
    stream: StreamCounts
    rate: float
    seconds: float
    intake: intake.Setup
    registered: int = 0


@asynccontextmanager
async def open_setup(scale: Scale) -> AsyncIterator[Setup]:
    """Start all processes from the API to the board, and measure the API's highest rate while all run."""
    intake.require_wrk()
    async with running_services({}, *BOARD_PIPELINE) as services:
        stream = StreamCounts()
        following = asyncio.ensure_future(stream.follow(services.url("board")))
        intake_setup = intake.Setup(services.database, scale)
        try:
            port = services.stack_config.ports["api"]
            summary = await intake.wrk(intake_setup, port, MAXIMUM_S[scale])
            rate = summary["answered"] / summary["seconds"] * SHARE_OF_MAXIMUM
            setup = Setup(services, stream, rate, TIMED_S[scale], intake_setup)
            await _wait_all_counted(setup)
            yield setup
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following


async def ours(setup: Setup) -> Measurement:
    """Register people at half of the API's highest rate."""
    before = {region: setup.stream.count(region) for region in list(setup.stream.arrivals)}
    count = int(setup.rate * setup.seconds)
    meter = Meter(setup.services.pids)
    response_times = await _register(setup, count)
    await _wait_all_counted(setup)
    usages = meter.stop()
    latencies = Latencies()
    registrations: dict[str, int] = defaultdict(int)
    for region, at_s in response_times:
        # A kelurahan gets about three registrations a second, so its count identifies each of them.
        registrations[region] += 1
        latencies.add(setup.stream.reached_at_s(region, before.get(region, 0) + registrations[region]) - at_s)
    p50, p99 = latencies.percentile_s(50), latencies.percentile_s(99)
    assert p50 is not None, "no latency was recorded"
    assert p99 is not None, "no latency was recorded"
    return Measurement({"p50": p50 * 1000, "p99": p99 * 1000, "rate": setup.rate}, count, usages)


async def _register(setup: Setup, count: int) -> list[tuple[str, float]]:
    port, first = setup.services.stack_config.ports["api"], FIRST_PERSON + setup.registered
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.load.open_loop_registrations", str(port), setup.services.database.key),
        *(str(setup.rate), str(count), str(first)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, _ = await process.communicate()
    setup.registered += count
    response_times: list[tuple[str, float]] = json.loads(out)
    if len(response_times) != count:
        raise WrongCountsError(f"{len(response_times)} of {count} registrations were answered")
    return response_times


async def _wait_all_counted(setup: Setup) -> None:
    """Wait until the stream's count equals the number of participants in the register."""
    registered = await intake.participant_count(setup.intake)
    with suppress(TimeoutError):
        async with asyncio.timeout(COUNTED_S_MAX):
            while setup.stream.count("31") != registered:
                await asyncio.sleep(0.05)
                # Requests whose response wrk did not await may still be written.
                registered = await intake.participant_count(setup.intake)
    if setup.stream.count("31") != registered:
        raise WrongCountsError(f"{setup.stream.count('31')} on the stream, {registered} in the register")


PATH: Final = Path(
    name="latency",
    about="Time from the response 201 to the first count on the board's stream that includes the "
    "registration, at half of the API's highest rate with all processes running.",
    figures={
        "p50": Figure("ms", more_is_better=False),
        "p99": Figure("ms", more_is_better=False),
        "rate": Figure("registrations/s"),
    },
    ours=Contender("whole system", ours),
    rivals=(),
    goals=(
        Goal("p50", "150 ms", 1.0, limit=150),
        Goal("p99", "400 ms", 1.0, limit=400),
        Goal("p50", "half of the polling intervals", limit=FLOOR_MS),
    ),
    open=open_setup,
)

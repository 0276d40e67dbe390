"""Path `latency`: from the 201 of a registration to the count that holds it on the board's stream."""

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

from bench.fixtures.service_processes import TO_THE_BOARD, System, system
from bench.measurement.process_usage import Meter
from bench.paths import intake
from bench.paths.model import Contender, Figure, Goal, Measured, Path, Scale, WrongCountsError
from deploy.local.paths import ROOT
from simulator.clients.sse_client import messages
from simulator.load.latencies import Latencies

MAXIMUM_S: Final = {Scale.FULL: 8, Scale.QUICK: 3, Scale.SMOKE: 1}
TIMED_S: Final = {Scale.FULL: 30.0, Scale.QUICK: 8.0, Scale.SMOKE: 1.0}
SHARE_OF_MAXIMUM: Final = 0.5
SHOWN_S_MAX: Final = 120.0
FIRST: Final = 50_000_000
"""Numbers of people that wrk does not come to."""
FLOOR_MS: Final = (25 + 100) / 2
"""On the way nothing waits but for the relay's look (every 25 ms) and the next cut (every 100 ms)."""


@dataclass
class Screen:
    """The counts of kelurahan as the stream tells them, and when each was told."""

    told: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))

    async def follow(self, url: str) -> None:
        """Read the stream until cancelled."""
        async with aiohttp.ClientSession() as session:
            async for message in messages(session, f"{url}/v1/stream?down_to=subdistrict"):
                at_s = time.monotonic()
                for row in message.rows():
                    self.told[row["region"]].append((row["counts"]["registered"], at_s))

    def shown_at_s(self, region: str, count: int) -> float:
        """When a region's count was first told to be so high."""
        counts = self.told[region]
        return counts[bisect_left(counts, count, key=itemgetter(0))][1]

    def count(self, region: str) -> int:
        """The newest count of a region."""
        return self.told[region][-1][0] if self.told[region] else 0


@dataclass
class World:
    """A system, its screen, and the pace; how many people came by the open loop so far."""

    system: System
    screen: Screen
    rate: float
    seconds: float
    asked: intake.World
    come: int = 0


@asynccontextmanager
async def open_world(scale: Scale) -> AsyncIterator[World]:
    """Start everything from the API to the board, and find out how much the API takes meanwhile."""
    intake.need_wrk()
    async with system({}, *TO_THE_BOARD) as found:
        screen = Screen()
        following = asyncio.ensure_future(screen.follow(found.url("board")))
        asked = intake.World(found.register, scale)
        try:
            port = found.surroundings.ports["api"]
            told = await intake.wrk(asked, port, MAXIMUM_S[scale])
            rate = told["answered"] / told["seconds"] * SHARE_OF_MAXIMUM
            world = World(found, screen, rate, TIMED_S[scale], asked)
            await _shown(world)
            yield world
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following


async def ours(world: World) -> Measured:
    """People come at half of what the API can take."""
    before = {region: world.screen.count(region) for region in list(world.screen.told)}
    count = int(world.rate * world.seconds)
    meter = Meter(world.system.pids)
    moments = await _come(world, count)
    await _shown(world)
    usages = meter.stop()
    late = Latencies()
    places: dict[str, int] = defaultdict(int)
    for region, at_s in moments:
        # Some three a second come in one kelurahan: its counts tell of each of them.
        places[region] += 1
        late.add(world.screen.shown_at_s(region, before.get(region, 0) + places[region]) - at_s)
    p50, p99 = late.percentile_s(50), late.percentile_s(99)
    assert p50 is not None, "somebody came"
    assert p99 is not None, "somebody came"
    return Measured({"p50": p50 * 1000, "p99": p99 * 1000, "rate": world.rate}, count, usages)


async def _come(world: World, count: int) -> list[tuple[str, float]]:
    port, first = world.system.surroundings.ports["api"], FIRST + world.come
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.load.open_loop_registrations", str(port), world.system.register.key),
        *(str(world.rate), str(count), str(first)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, _ = await process.communicate()
    world.come += count
    moments: list[tuple[str, float]] = json.loads(out)
    if len(moments) != count:
        raise WrongCountsError(f"{len(moments)} of {count} were answered")
    return moments


async def _shown(world: World) -> None:
    """Wait until the screen shows all that the register has."""
    registered = await intake.count(world.asked)
    with suppress(TimeoutError):
        async with asyncio.timeout(SHOWN_S_MAX):
            while world.screen.count("31") != registered:
                await asyncio.sleep(0.05)
                # What nobody waited for may still be on its way into the register.
                registered = await intake.count(world.asked)
    if world.screen.count("31") != registered:
        raise WrongCountsError(f"{world.screen.count('31')} on the screen, {registered} in the register")


PATH: Final = Path(
    name="latency",
    about="From the answer 201 to the first count on the board's stream that holds the registration, people "
    "coming steadily at half of what the API took with everything running.",
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
        Goal("p50", "half of the intervals waited for", limit=FLOOR_MS),
    ),
    open=open_world,
)

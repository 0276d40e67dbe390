"""Path `alert`: from the 201 of the registration that reaches a threshold to the webhook's call."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from bench.fixtures.service_processes import System, system
from bench.measurement.process_usage import Meter
from bench.paths.model import Contender, Figure, Goal, Measured, Path, Scale, WrongCountsError
from deploy.local.paths import ROOT
from deploy.local.ports import free_ports
from simulator.load.latencies import Latencies

PROCESSES: Final = ("api", "relay", "audit", "worker", "publisher", "notifier")
EVERY: Final = 50
CROSSINGS: Final = {Scale.FULL: 200, Scale.QUICK: 50, Scale.SMOKE: 4}
RATE: Final = 200.0
"""Registrations a second: four crossings, a busy night's pace."""
TOLD_S_MAX: Final = 60.0
RULES: Final = f"""
rules:
  - id: steps
    title: {{id: Setiap beberapa peserta, en: Every so many participants}}
    regions: ["31"]
    every: {EVERY}
officials: []
webhooks:
  - id: control-room
    within: ["31"]
"""


@dataclass
class Receiver:
    """Thresholds by the moment of their call; a second call of one is noted."""

    port: int
    told_at_s: dict[int, float] = field(default_factory=dict)
    doubled: int = 0

    async def take(self, request: web.Request) -> web.Response:
        """A call."""
        at_s = time.monotonic()
        threshold = json.loads(await request.read())["data"]["threshold"]
        self.doubled += threshold in self.told_at_s
        self.told_at_s.setdefault(threshold, at_s)
        return web.Response(status=204)


@dataclass
class World:
    """A system with a notifier, and who is called; how many people came so far."""

    system: System
    receiver: Receiver
    people: int
    come: int = 0


@asynccontextmanager
async def open_world(scale: Scale) -> AsyncIterator[World]:
    """Start everything from the API to the notifier."""
    receiver = Receiver(free_ports(1)[0])
    app = web.Application()
    app.add_routes([web.post("/", receiver.take)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", receiver.port).start()
    try:
        async with system({}) as found:
            rules = found.servers.folder / "rules.yaml"
            rules.write_text(RULES, "utf-8")
            target = {
                "url": f"http://127.0.0.1:{receiver.port}/",
                "secret": found.surroundings.secrets["webhook_secret"],
            }
            settings = {
                "NOTIFIER_RULES_FILE": str(rules),
                "NOTIFIER_WEBHOOKS": json.dumps({"control-room": target}),
            }
            found.start(settings, *PROCESSES)
            yield World(found, receiver, CROSSINGS[scale] * EVERY)
    finally:
        await runner.cleanup()


async def ours(world: World) -> Measured:
    """People come at a night's pace, and every fiftieth is a crossing."""
    meter = Meter(world.system.pids)
    before, world.come = world.come, world.come + world.people
    moments = await _come(world, before)
    thresholds = range(before + EVERY, world.come + 1, EVERY)
    await _told(world.receiver, list(thresholds))
    usages = meter.stop()
    late = Latencies()
    for threshold in thresholds:
        late.add(world.receiver.told_at_s[threshold] - moments[threshold - before - 1])
    p50, p99 = late.percentile_s(50), late.percentile_s(99)
    assert p50 is not None, "thresholds were reached"
    assert p99 is not None, "thresholds were reached"
    return Measured({"p50": p50 * 1000, "p99": p99 * 1000}, world.people, usages)


async def _come(world: World, first: int) -> list[float]:
    port = world.system.surroundings.ports["api"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.load.open_loop_registrations", str(port), world.system.register.key),
        *(str(RATE), str(world.people), str(first)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, _ = await process.communicate()
    moments = [at_s for _, at_s in json.loads(out)]
    if len(moments) != world.people:
        raise WrongCountsError(f"{len(moments)} of {world.people} were answered")
    return moments


async def _told(receiver: Receiver, thresholds: list[int]) -> None:
    deadline = time.monotonic() + TOLD_S_MAX
    while not receiver.told_at_s.keys() >= set(thresholds) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    missing = set(thresholds) - receiver.told_at_s.keys()
    if missing or receiver.doubled:
        raise WrongCountsError(f"{len(missing)} thresholds were not told, {receiver.doubled} twice")


PATH: Final = Path(
    name="alert",
    about="From the answer 201 to the registration that reaches a threshold, to the webhook's signed call; "
    f"{RATE:.0f} people a second, every {EVERY}th a crossing.",
    figures={"p50": Figure("ms", more_is_better=False), "p99": Figure("ms", more_is_better=False)},
    ours=Contender("whole system", ours),
    rivals=(),
    goals=(Goal("p99", "1 s", 1.0, limit=1_000), Goal("p50", "1 s", limit=1_000)),
    open=open_world,
)

"""Path `alert`: time from the 201 for a registration that reaches a threshold until the webhook call."""

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

from bench.fixtures.service_processes import ServiceProcesses, running_services
from bench.measurement.process_usage import Meter
from bench.paths.path_definition import Contender, Figure, Goal, Measurement, Path, Scale, WrongCountsError
from deploy.local.free_ports import free_ports
from deploy.local.paths import ROOT
from simulator.load.latencies import Latencies

PROCESSES: Final = ("api", "relay", "audit", "worker", "publisher", "notifier")
STEP: Final = 50
"""The number of registrations from one threshold to the next."""
CROSSINGS: Final = {Scale.FULL: 200, Scale.QUICK: 50, Scale.SMOKE: 4}
RATE: Final = 200.0
"""Registrations per second, as on a busy night; every second four of them reach a threshold."""
CALL_S_MAX: Final = 60.0
RULES: Final = f"""
rules:
  - id: steps
    title: {{id: Setiap beberapa peserta, en: Every so many participants}}
    regions: ["31"]
    every: {STEP}
officials: []
webhooks:
  - id: control-room
    within: ["31"]
"""


@dataclass
class WebhookReceiver:
    """Records when the webhook was called for each threshold, and counts repeated calls."""

    port: int
    called_at_s: dict[int, float] = field(default_factory=dict)
    repeated: int = 0

    async def receive(self, request: web.Request) -> web.Response:
        """Handle one call of the webhook."""
        at_s = time.monotonic()
        threshold = json.loads(await request.read())["data"]["threshold"]
        self.repeated += threshold in self.called_at_s
        self.called_at_s.setdefault(threshold, at_s)
        return web.Response(status=204)


@dataclass
class Setup:
    """All processes from API to notifier, the webhook's receiver, and the number of registrations so far."""

    services: ServiceProcesses
    receiver: WebhookReceiver
    people: int
    registered: int = 0


@asynccontextmanager
async def open_setup(scale: Scale) -> AsyncIterator[Setup]:
    """Start all processes from the API to the notifier."""
    receiver = WebhookReceiver(free_ports(1)[0])
    app = web.Application()
    app.add_routes([web.post("/", receiver.receive)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", receiver.port).start()
    try:
        async with running_services({}) as services:
            rules = services.servers.folder / "rules.yaml"
            rules.write_text(RULES, "utf-8")
            target = {
                "url": f"http://127.0.0.1:{receiver.port}/",
                "secret": services.stack_config.secrets["webhook_secret"],
            }
            settings = {
                "NOTIFIER_RULES_FILE": str(rules),
                "NOTIFIER_WEBHOOKS": json.dumps({"control-room": target}),
            }
            services.start(settings, *PROCESSES)
            yield Setup(services, receiver, CROSSINGS[scale] * STEP)
    finally:
        await runner.cleanup()


async def ours(setup: Setup) -> Measurement:
    """Register people at RATE; every fiftieth registration reaches a threshold."""
    meter = Meter(setup.services.pids)
    before, setup.registered = setup.registered, setup.registered + setup.people
    response_times = await _register(setup, before)
    thresholds = range(before + STEP, setup.registered + 1, STEP)
    await _wait_called(setup.receiver, list(thresholds))
    usages = meter.stop()
    latencies = Latencies()
    for threshold in thresholds:
        latencies.add(setup.receiver.called_at_s[threshold] - response_times[threshold - before - 1])
    p50, p99 = latencies.percentile_s(50), latencies.percentile_s(99)
    assert p50 is not None, "no latency was recorded"
    assert p99 is not None, "no latency was recorded"
    return Measurement({"p50": p50 * 1000, "p99": p99 * 1000}, setup.people, usages)


async def _register(setup: Setup, first: int) -> list[float]:
    port = setup.services.stack_config.ports["api"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.load.open_loop_registrations", str(port), setup.services.database.key),
        *(str(RATE), str(setup.people), str(first)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, _ = await process.communicate()
    response_times = [at_s for _, at_s in json.loads(out)]
    if len(response_times) != setup.people:
        raise WrongCountsError(f"{len(response_times)} of {setup.people} registrations were answered")
    return response_times


async def _wait_called(receiver: WebhookReceiver, thresholds: list[int]) -> None:
    deadline = time.monotonic() + CALL_S_MAX
    while not receiver.called_at_s.keys() >= set(thresholds) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    missing = set(thresholds) - receiver.called_at_s.keys()
    if missing or receiver.repeated:
        raise WrongCountsError(
            f"{len(missing)} thresholds had no webhook call, {receiver.repeated} had a second one"
        )


PATH: Final = Path(
    name="alert",
    about="Time from the response 201 to the registration that reaches a threshold until the signed webhook "
    f"call; {RATE:.0f} registrations per second, every {STEP}th reaches a threshold.",
    figures={"p50": Figure("ms", more_is_better=False), "p99": Figure("ms", more_is_better=False)},
    ours=Contender("whole system", ours),
    rivals=(),
    goals=(Goal("p99", "1 s", 1.0, limit=1_000), Goal("p50", "1 s", limit=1_000)),
    open=open_setup,
)

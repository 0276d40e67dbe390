"""A night's run against a register: its ledger, its people, its senders, and its stop."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp

from simulator.clients.access_keys import Keys
from simulator.clients.register_client import Register
from simulator.load.arrivals import Night, arrivals
from simulator.load.ledger import Ledger, Run, next_person
from simulator.load.load_runner import Fest
from simulator.load.request_sender import Sender
from simulator.load.scenario import Crowd
from simulator.seed.population import weights_2021

# The import's people are numbered from 0: those of the Fest start well beyond any import.
FIRST_PERSON: Final = 100_000_000
CAMPAIGN, PROBE_CAMPAIGN = "fest-2021", "latency-probe"
CAMPAIGNS: Final = {CAMPAIGN: "Jakpreneur Fest 2021", PROBE_CAMPAIGN: "Latency probe"}
# Everybody at the Fest has a connection of their own: nobody times out waiting for somebody else's.
CONNECTIONS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class NightOptions:
    """What a night needs to be told."""

    url: str
    rate_per_s: float
    duration_s: float | None
    seed: int
    keys: Path
    ledgers: Path


@dataclass(slots=True)
class Session:
    """A run against a register: its HTTP session, its ledger, its people."""

    http: aiohttp.ClientSession
    run: Run
    path: Path
    fest: Fest
    register: Register
    stopping: asyncio.Event


@asynccontextmanager
async def session(options: NightOptions, keys: Keys) -> AsyncIterator[Session]:
    """Open the run's ledger and campaign; Ctrl-C and SIGTERM set `stopping`."""
    first = next_person(options.ledgers, FIRST_PERSON)
    name = datetime.now(UTC).strftime("%Y%m%dt%H%M%S")
    run = Run(
        run=name,
        seed=options.seed,
        first_person=first,
        campaign=CAMPAIGN,
        probe_campaign=PROBE_CAMPAIGN,
    )
    path = options.ledgers / f"{name}.jsonl"
    connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
    async with aiohttp.ClientSession(connector=connector) as http:
        register = Register(http, options.url, keys)
        for campaign, title in CAMPAIGNS.items():
            await register.open_campaign(campaign, title)
        crowd = _crowd(random.Random(options.seed + first), run)
        ledger = Ledger(path)
        senders = (Sender(http, options.url, keys.booth), Sender(http, options.url, keys.officer))
        flushing = asyncio.ensure_future(ledger.flushing())
        try:
            await ledger.put(run)
            fest = Fest(run, ledger, crowd, *senders)
            yield Session(http, run, path, fest, register, stop_on_signals())
        finally:
            flushing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await flushing
            ledger.close()


def _crowd(dice: random.Random, run: Run) -> Crowd:
    weights = weights_2021()
    shares = [float(weight) for weight in weights.values()]
    return Crowd(dice, run.campaign, list(weights), shares, run.first_person)


def stop_on_signals() -> asyncio.Event:
    """Set by the first SIGINT or SIGTERM; a second SIGINT interrupts as usual."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        stopping.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked, number)
    return stopping


def times(options: NightOptions) -> Iterator[float]:
    """When people come in this night."""
    return arrivals(Night(options.rate_per_s), random.Random(options.seed), options.duration_s)

"""Opens the HTTP client, ledger, campaigns and load runner of a load session, and handles its stop."""

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

from simulator.clients.access_keys import AccessKeys
from simulator.clients.campaign_and_import_client import RegisterClient
from simulator.load.arrivals import ArrivalProfile, arrivals
from simulator.load.crowd import Scenario
from simulator.load.ledger import Ledger, Run, next_person
from simulator.load.load_runner import LoadRunner
from simulator.load.request_sender import RequestSender
from simulator.seed.population import weights_2021

# Imports number their people from 0. The numbers of the people at the Fest are far above those of any import.
FIRST_PERSON: Final = 100_000_000
CAMPAIGN, PROBE_CAMPAIGN = "fest-2021", "latency-probe"
CAMPAIGNS: Final = {CAMPAIGN: "Jakpreneur Fest 2021", PROBE_CAMPAIGN: "Latency probe"}
# A high limit, so that requests do not queue for a connection inside this client.
CONNECTIONS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """The options of a load session."""

    url: str
    rate_per_s: float
    duration_s: float | None
    seed: int
    keys: Path
    ledgers: Path


@dataclass(slots=True)
class Session:
    """An open load session: HTTP client, ledger, load runner and register client."""

    http: aiohttp.ClientSession
    run: Run
    path: Path
    runner: LoadRunner
    register: RegisterClient
    stopping: asyncio.Event


@asynccontextmanager
async def open_session(options: LoadOptions, keys: AccessKeys) -> AsyncIterator[Session]:
    """Create the campaigns over HTTP, and open the ledger file of a new run.

    SIGINT and SIGTERM set the session's `stopping`.
    """
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
        register = RegisterClient(http, options.url, keys)
        for campaign, title in CAMPAIGNS.items():
            await register.open_campaign(campaign, title)
        scenario = _scenario(random.Random(options.seed + first), run)
        ledger = Ledger(path)
        senders = (
            RequestSender(http, options.url, keys.booth),
            RequestSender(http, options.url, keys.officer),
        )
        flushing = asyncio.ensure_future(ledger.flush_forever())
        try:
            await ledger.put(run)
            runner = LoadRunner(run, ledger, scenario, *senders)
            yield Session(http, run, path, runner, register, stop_on_signals())
        finally:
            flushing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await flushing
            ledger.close()


def _scenario(rng: random.Random, run: Run) -> Scenario:
    weights = weights_2021()
    shares = [float(weight) for weight in weights.values()]
    return Scenario(rng, run.campaign, list(weights), shares, run.first_person)


def stop_on_signals() -> asyncio.Event:
    """Return an asyncio.Event that the first SIGINT or SIGTERM sets.

    A second SIGINT interrupts the process as usual.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        stopping.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal, number)
    return stopping


def arrival_times(options: LoadOptions) -> Iterator[float]:
    """Yield the arrival times of the session, in seconds from its start."""
    return arrivals(ArrivalProfile(options.rate_per_s), random.Random(options.seed), options.duration_s)

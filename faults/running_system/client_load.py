"""The load of a campaign: registering clients, file imports, and requests with the canary's personal data."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import itertools
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from faults.running_system.system_under_test import SystemUnderTest
from simulator.clients.campaign_and_import_client import Import, RegisterClient, UnexpectedAnswerError
from simulator.load.arrivals import ArrivalProfile, arrivals
from simulator.load.load_setup import LoadOptions, Session, open_session
from simulator.load.unknown_outcomes import reconcile
from simulator.seed import rows_matching_published_totals
from simulator.seed.synthetic_people import person

SEED: Final = 11
# The canary is a participant whose personal data invariant 7 searches for outside the register.
CANARY_NAME: Final = "Kenari Sembunyi Rahasia"
CANARY_NIK, CANARY_PHONE = "3199014101908888", "+6282411112222"
IMPORT_POLL_S: Final = 1.0
IMPORT_S_MAX: Final = 300.0
CANARY_EVERY_S: Final = 2.0
RUNNING: Final = "running"


@dataclass
class ClientLoad:
    """The requests sent and the files imported so far."""

    session: Session
    imported: dict[str, int] = field(default_factory=dict)
    """The number of rows of each imported file, by import id."""
    _clients: list[asyncio.Task[None]] = field(default_factory=list)
    _background: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """The number of requests answered so far."""
        return self.session.runner.progress.total("accepted") + self.session.runner.progress.total("refused")

    async def stop(self) -> None:
        """Stop sending requests, and wait for the responses to sent requests. A running import continues."""
        self.session.stopping.set()
        await asyncio.gather(*self._background, *self._clients)

    async def settle(self) -> int:
        """Repeat each request that got no response, with its idempotency key; return how many there were."""
        return await reconcile(self.session.path, self.session.runner.sender_of)

    async def unfinished_imports(self, wait_s: float) -> list[str]:
        """Wait at most `wait_s` for each import; return a violation for each import with a wrong result."""
        violations = []
        for id_, people in self.imported.items():
            last = await _wait_for_import(self.session.register, id_, wait_s)
            if last is None or last.state != "done" or last.accepted != people:
                violations.append(f"import {id_[:8]} is {last}, must be done with {people} rows accepted")
        return violations


@asynccontextmanager
async def run_load(
    system: SystemUnderTest, rate_per_s: float, import_rows: int, import_every_s: float
) -> AsyncIterator[ClientLoad]:
    """Register clients and import files, one file after another, until the block ends."""
    options = LoadOptions(system.url, rate_per_s, None, SEED, Path(), system.folder / "ledger")
    async with open_session(options, system.keys) as client_session:
        for agency in filter(None, rows_matching_published_totals.AGENCIES):
            await client_session.register.open_agency(agency, agency)
        await client_session.register.open_campaign("rise", "Rise and fall")
        await _register_canary(system)
        load = ClientLoad(client_session)
        times = arrivals(ArrivalProfile(rate_per_s), random.Random(SEED), None)
        load._clients = [asyncio.ensure_future(client_session.runner.play(times, client_session.stopping))]
        load._background = [
            asyncio.ensure_future(_import(system, load, import_rows, import_every_s)),
            asyncio.ensure_future(_send_canary(system, client_session.stopping)),
        ]
        try:
            yield load
        finally:
            await load.stop()


async def _import(system: SystemUnderTest, load: ClientLoad, rows: int, every_s: float) -> None:
    """Import one file after another, each with different people. Retry each upload until it is accepted."""
    stopping = load.session.stopping
    for number in itertools.count():
        path = system.folder / f"people-{number}.csv"
        await asyncio.to_thread(_write, path, rows, number)
        uploaded = await _upload(load.session.register, path)
        load.imported[uploaded.id] = rows
        await _wait_for_import(load.session.register, uploaded.id, IMPORT_S_MAX, stopping)
        if await _stops_within(stopping, every_s):
            return


async def _stops_within(stopping: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
    return stopping.is_set()


def _write(path: Path, count: int, number: int) -> None:
    """Write file `number`, whose people are in no other file and are not registered by a client."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows_matching_published_totals.HEADER)
        for index, row in enumerate(rows_matching_published_totals.rows(count, SEED)):
            owner = person(number * count + index, SEED)
            fields = dict(zip(rows_matching_published_totals.HEADER, row, strict=True))
            fields |= {"name": owner.name, "nik": owner.nik, "phone": owner.phone, "campaign": ""}
            writer.writerow(fields.values())


async def _upload(register: RegisterClient, path: Path) -> Import:
    """Upload the file, and retry until it is accepted. A retry starts no second import."""
    ends_at = time.monotonic() + IMPORT_S_MAX
    while True:
        try:
            return await register.upload(path)
        except (aiohttp.ClientError, TimeoutError, UnexpectedAnswerError):
            if time.monotonic() > ends_at:
                raise
        await asyncio.sleep(IMPORT_POLL_S)


async def _wait_for_import(
    register: RegisterClient, id_: str, wait_s: float, stopping: asyncio.Event | None = None
) -> Import | None:
    """Wait until the import has ended, `wait_s` is over or `stopping` is set; return its last known state."""
    last: Import | None = None
    for _ in range(int(wait_s / IMPORT_POLL_S)):
        last = await register.import_status(id_) or last
        if (last is not None and last.state != RUNNING) or (stopping is not None and stopping.is_set()):
            break
        await asyncio.sleep(IMPORT_POLL_S)
    return last


def _canary() -> dict[str, str]:
    return {
        "name": CANARY_NAME,
        "nik": CANARY_NIK,
        "phone": CANARY_PHONE,
        "region": "31.71.01.1001",
        "consent": rows_matching_published_totals.CONSENT,
    }


def _canary_client(system: SystemUnderTest) -> aiohttp.ClientSession:
    headers = {"Authorization": f"Bearer {system.keys.officer}"}
    return aiohttp.ClientSession(system.url, headers=headers, timeout=aiohttp.ClientTimeout(total=5))


async def _register_canary(system: SystemUnderTest) -> None:
    """Register the canary, the only participant who is neither in the ledger nor in a file."""
    async with _canary_client(system) as http, http.post("/v1/participants", json=_canary()) as response:
        assert response.status == 201, await response.text()


async def _send_canary(system: SystemUnderTest, stopping: asyncio.Event) -> None:
    """Send repeated, invalid and lookup requests with the canary's personal data, to see whether it leaks."""
    bodies = [
        _canary(),
        _canary() | {"region": CANARY_NIK},
        _canary() | {"campaign": CANARY_NAME},
        _canary() | {"nik": CANARY_NIK[:15]},
        _canary() | {"phone": f"{CANARY_PHONE}{CANARY_NIK}"},
        _canary() | {CANARY_NAME: CANARY_PHONE},
    ]
    requests = [("/v1/participants", body) for body in bodies]
    requests.append(("/v1/participants/lookup", {"nik": CANARY_NIK}))
    async with _canary_client(system) as http:
        while not stopping.is_set():
            for path, body in requests:
                await _post_ignoring_failures(http, path, body)
            await _stops_within(stopping, CANARY_EVERY_S)


async def _post_ignoring_failures(http: aiohttp.ClientSession, path: str, body: Mapping[str, object]) -> None:
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with http.post(path, json=body) as response:
            await response.read()

"""The load of a campaign: a Fest night without end, imports beside it, and a few canaries."""

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

from faults.system_under_test import World
from simulator.clients.register_client import Import, Register, UnexpectedAnswerError
from simulator.load.arrivals import Night, arrivals
from simulator.load.session import NightOptions, Session, session
from simulator.seed import participants
from simulator.seed.synthetic_people import person
from simulator.verify.reconciliation import settle

SEED: Final = 11
CANARY_NAME: Final = "Kenari Sembunyi Rahasia"
CANARY_NIK, CANARY_PHONE = "3199014101908888", "+6282411112222"
IMPORT_AGAIN_S: Final = 1.0
IMPORT_S_MAX: Final = 300.0
SING_EVERY_S: Final = 2.0
RUNNING: Final = "running"


@dataclass
class Load:
    """What people and files have sent so far."""

    night: Session
    imported: dict[str, int] = field(default_factory=dict)
    """By import id, how many people its file holds."""
    _coming: list[asyncio.Task[None]] = field(default_factory=list)
    _others: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """Requests answered so far."""
        return self.night.fest.progress.total("accepted") + self.night.fest.progress.total("refused")

    async def stop(self) -> None:
        """Nobody comes any more; whoever has begun is still answered, and an import goes on by itself."""
        self.night.stopping.set()
        await asyncio.gather(*self._others, *self._coming)

    async def settle(self) -> int:
        """Ask again about every request that was not answered; how many there were."""
        return await settle(self.night.path, self.night.fest.sender_of)

    async def unfinished_imports(self, wait_s: float) -> list[str]:
        """What is wrong with the imports, once each has ended or the time is over."""
        wrong = []
        for id_, people in self.imported.items():
            last = await _ended(self.night.register, id_, wait_s)
            if last is None or last.state != "done" or last.accepted != people:
                wrong.append(f"import {id_[:8]} is {last}, must be done with {people} accepted")
        return wrong


@asynccontextmanager
async def loaded(
    world: World, rate_per_s: float, import_rows: int, import_every_s: float
) -> AsyncIterator[Load]:
    """People come and files are imported, one after another, until the load is stopped."""
    options = NightOptions(world.url, rate_per_s, None, SEED, Path(), world.folder / "ledger")
    async with session(options, world.keys) as night:
        for agency in filter(None, participants.AGENCIES):
            await night.register.open_agency(agency, agency)
        await _sing_once(world)
        load = Load(night)
        times = arrivals(Night(rate_per_s), random.Random(SEED), None)
        load._coming = [asyncio.ensure_future(night.fest.play(times, night.stopping))]
        load._others = [
            asyncio.ensure_future(_import(world, load, import_rows, import_every_s)),
            asyncio.ensure_future(_sing(world, night.stopping)),
        ]
        try:
            yield load
        finally:
            await load.stop()


async def _import(world: World, load: Load, rows: int, every_s: float) -> None:
    """One file after another, each with people of its own; one that was begun is seen taken."""
    stopping = load.night.stopping
    for number in itertools.count():
        path = world.folder / f"people-{number}.csv"
        await asyncio.to_thread(_write, path, rows, number)
        begun = await _uploaded(load.night.register, path)
        load.imported[begun.id] = rows
        await _ended(load.night.register, begun.id, IMPORT_S_MAX, stopping)
        if await _stops_within(stopping, every_s):
            return


async def _stops_within(stopping: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
    return stopping.is_set()


def _write(path: Path, count: int, number: int) -> None:
    """Everybody in file `number` is at home in no other file and not at the Fest."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(participants.HEADER)
        for index, row in enumerate(participants.rows(count, SEED)):
            who = person(number * count + index, SEED)
            fields = dict(zip(participants.HEADER, row, strict=True))
            fields |= {"name": who.name, "nik": who.nik, "phone": who.phone, "campaign": ""}
            writer.writerow(fields.values())


async def _uploaded(register: Register, path: Path) -> Import:
    """Sent until it is taken: the same file again is the same import."""
    ends_at = time.monotonic() + IMPORT_S_MAX
    while True:
        try:
            return await register.upload(path)
        except (aiohttp.ClientError, TimeoutError, UnexpectedAnswerError):
            if time.monotonic() > ends_at:
                raise
        await asyncio.sleep(IMPORT_AGAIN_S)


async def _ended(
    register: Register, id_: str, wait_s: float, stopping: asyncio.Event | None = None
) -> Import | None:
    """The import once it has ended, or as it was last seen when the time is over or all is to stop."""
    last: Import | None = None
    for _ in range(int(wait_s / IMPORT_AGAIN_S)):
        last = await register.import_status(id_) or last
        if (last is not None and last.state != RUNNING) or (stopping is not None and stopping.is_set()):
            break
        await asyncio.sleep(IMPORT_AGAIN_S)
    return last


def _canary() -> dict[str, str]:
    return {
        "name": CANARY_NAME,
        "nik": CANARY_NIK,
        "phone": CANARY_PHONE,
        "region": "31.71.01.1001",
        "consent": participants.CONSENT,
    }


def _canary_client(world: World) -> aiohttp.ClientSession:
    headers = {"Authorization": f"Bearer {world.keys.officer}"}
    return aiohttp.ClientSession(world.url, headers=headers, timeout=aiohttp.ClientTimeout(total=5))


async def _sing_once(world: World) -> None:
    """Register the canary: the one participant who is neither in the ledger nor in a file."""
    async with _canary_client(world) as http, http.post("/v1/participants", json=_canary()) as answer:
        assert answer.status == 201, await answer.text()


async def _sing(world: World, stopping: asyncio.Event) -> None:
    """Send what must never be seen outside the register: again, looked up, and in every wrong way."""
    bodies = [
        _canary(),
        _canary() | {"region": CANARY_NIK},
        _canary() | {"campaign": CANARY_NAME},
        _canary() | {"nik": CANARY_NIK[:15]},
        _canary() | {"phone": f"{CANARY_PHONE}{CANARY_NIK}"},
        _canary() | {CANARY_NAME: CANARY_PHONE},
    ]
    asked = [("/v1/participants", body) for body in bodies]
    asked.append(("/v1/participants/lookup", {"nik": CANARY_NIK}))
    async with _canary_client(world) as http:
        while not stopping.is_set():
            for path, body in asked:
                await _post_ignoring_failures(http, path, body)
            await _stops_within(stopping, SING_EVERY_S)


async def _post_ignoring_failures(http: aiohttp.ClientSession, path: str, body: Mapping[str, object]) -> None:
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with http.post(path, json=body) as answer:
            await answer.read()

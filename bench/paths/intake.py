"""Path `intake`: registrations a second of one API process, asked by wrk over 64 connections."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from bench.fixtures.http_readiness import until_answers
from bench.fixtures.registration_database import Register, register
from bench.measurement.process_usage import Meter
from bench.paths.model import Contender, Figure, Goal, Measured, Path, Scale, SkippedError, WrongCountsError
from deploy.local.paths import ROOT
from deploy.local.ports import free_ports

CONNECTIONS: Final = 64
TIMED_S: Final = {Scale.FULL: 10, Scale.QUICK: 4, Scale.SMOKE: 1}
WARM_S: Final = {Scale.FULL: 2, Scale.QUICK: 2, Scale.SMOKE: 1}
BARE: Final = {Scale.FULL: 10_000, Scale.QUICK: 4_000, Scale.SMOKE: 100}
READY_S_MAX: Final = 60.0
APART: Final = 10_000
"""Between the numbers of two runs of wrk: what it still sends at its end was never answered."""


@dataclass
class World:
    """A register, and the number of the next person."""

    register: Register
    scale: Scale
    next: int = 0

    def people(self, count: int) -> int:
        """The number before the first of so many people."""
        self.next += count + APART
        return self.next - count - APART


@asynccontextmanager
async def open_world(scale: Scale) -> AsyncIterator[World]:
    """A database of its own."""
    need_wrk()
    async with register() as found:
        yield World(found, scale)


def need_wrk() -> None:
    """Raises SkippedError where there is none."""
    if shutil.which("wrk") is None:
        raise SkippedError("wrk is needed (Debian: apt-get install wrk)")


async def ours(world: World) -> Measured:
    """The real process; what it says to have stored must be there."""
    return await _stored(world, [sys.executable, "-m", "registration", "api"])


async def stubbed(world: World) -> Measured:
    """All but the store."""
    measured, _ = await _asked(
        world, [sys.executable, "-m", "bench.rivals.registration_api_variant", "stubbed"]
    )
    return measured


async def stock(world: World) -> Measured:
    """The framework alone."""
    command = [sys.executable, "-m", "bench.rivals.fastapi_without_store", "{port}"]
    measured, _ = await _asked(world, command, "/openapi.json")
    return measured


async def per_request(world: World) -> Measured:
    """A transaction for each."""
    return await _stored(
        world, [sys.executable, "-m", "bench.rivals.registration_api_variant", "per-request"]
    )


async def bare(world: World) -> Measured:
    """The driver and the statements."""
    people = BARE[world.scale]
    command = [sys.executable, "-m", "bench.rivals.asyncpg_inserts", world.register.url]
    before = await count(world)
    process = await asyncio.create_subprocess_exec(
        *command, str(world.people(people)), str(people), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    out, _ = await process.communicate()
    if await count(world) - before != people:
        raise WrongCountsError("not all were stored")
    return Measured({"rate": people / float(out)}, people)


async def _stored(world: World, command: list[str]) -> Measured:
    before = await count(world)
    measured, answered = await _asked(world, command)
    stored = await count(world) - before
    # What wrk did not wait for at the ends of its two runs may be stored too.
    if not answered <= stored <= answered + 2 * CONNECTIONS:
        raise WrongCountsError(f"{stored} stored, {answered} answered")
    return measured


async def _asked(world: World, command: list[str], ready: str = "/health/ready") -> tuple[Measured, int]:
    """What it gave, and how many were answered in all, the warm-up's too."""
    port = free_ports(1)[0]
    process = subprocess.Popen(
        [word.format(port=port) for word in command],
        env=world.register.environment(
            REGISTRATION_PORT=str(port), REGISTRATION_PUBLIC_PER_ADDRESS_PER_MINUTE="1000000"
        ),
        cwd=ROOT,
    )
    try:
        await asyncio.to_thread(_wait_ready, f"http://127.0.0.1:{port}{ready}", process)
        warm = await wrk(world, port, WARM_S[world.scale])
        meter = Meter({"API": process.pid, "PostgreSQL": world.register.postgres_pid})
        timed = await wrk(world, port, TIMED_S[world.scale])
        usages = meter.stop()
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 30)
    rate = timed["answered"] / timed["seconds"]
    measured = Measured({"rate": rate}, timed["answered"], usages)
    return measured, warm["answered"] + timed["answered"]


async def wrk(world: World, port: int, seconds: int) -> dict[str, Any]:
    """Ask as fast as 64 connections can: `answered`, `seconds`. Raises WrongCountsError without a 201."""
    first = world.next
    process = await asyncio.create_subprocess_exec(
        *(
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            "-s",
            str(ROOT / "bench" / "load" / "wrk_registrations.lua"),
        ),
        f"http://127.0.0.1:{port}",
        env={**os.environ, "FIRST": str(first), "KEY": world.register.key},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    world.people(told["answered"])
    if told["failed"]:
        raise WrongCountsError(f"{told['failed']} of {told['answered']} requests were not answered 201")
    return told


async def count(world: World) -> int:
    """How many participants the register has."""
    connection = await asyncpg.connect(world.register.url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM participant"))
    finally:
        await connection.close()


def _wait_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    if not until_answers(url, process, READY_S_MAX):
        raise RuntimeError(f"{url} is not ready; exit code {process.poll()}")


PATH: Final = Path(
    name="intake",
    about="`POST /v1/participants` with all that belongs to it (validation, HMAC, encryption, idempotency, "
    "event), one API process, 64 connections of wrk: registrations answered 201 a second.",
    figures={"rate": Figure("registrations/s")},
    ours=Contender("registration API", ours),
    rivals=(
        Contender("same app, store stubbed", stubbed),
        Contender("stock FastAPI, no store", stock),
        Contender("transaction per request", per_request),
        Contender("bare asyncpg", bare),
    ),
    goals=(
        Goal("rate", "same app, store stubbed", 0.65),
        Goal("rate", "stock FastAPI, no store", 0.8),
        Goal("rate", "transaction per request", 3.0),
        Goal("rate", "bare asyncpg", 1.5),
    ),
    open=open_world,
)

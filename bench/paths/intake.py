"""Path `intake`: registrations per second of one API process, with wrk on 64 connections as client."""

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

from bench.fixtures.http_readiness import wait_until_ready
from bench.fixtures.registration_database import RegistrationDatabase, registration_database
from bench.measurement.process_usage import Meter
from bench.paths.path_definition import (
    Contender,
    Figure,
    Goal,
    Measurement,
    Path,
    Scale,
    SkippedError,
    WrongCountsError,
)
from deploy.local.free_ports import free_ports
from deploy.local.paths import ROOT

CONNECTIONS: Final = 64
TIMED_S: Final = {Scale.FULL: 10, Scale.QUICK: 4, Scale.SMOKE: 1}
WARM_UP_S: Final = {Scale.FULL: 2, Scale.QUICK: 2, Scale.SMOKE: 1}
ASYNCPG_ROWS: Final = {Scale.FULL: 10_000, Scale.QUICK: 4_000, Scale.SMOKE: 100}
READY_S_MAX: Final = 60.0
NUMBERS_APART: Final = 10_000
"""Person numbers left unused between two runs: wrk does not report requests without a response at its end."""


@dataclass
class Setup:
    """A registration database, the amount of work, and the number of the next new person."""

    database: RegistrationDatabase
    scale: Scale
    next_person: int = 0

    def reserve_people(self, count: int) -> int:
        """Reserve the numbers of `count` people and return the number before the first."""
        self.next_person += count + NUMBERS_APART
        return self.next_person - count - NUMBERS_APART


@asynccontextmanager
async def open_setup(scale: Scale) -> AsyncIterator[Setup]:
    """Start a registration database. Raises SkippedError if wrk is not installed."""
    require_wrk()
    async with registration_database() as database:
        yield Setup(database, scale)


def require_wrk() -> None:
    """Raise SkippedError if wrk is not installed."""
    if shutil.which("wrk") is None:
        raise SkippedError("wrk is needed (Debian: apt-get install wrk)")


async def ours(setup: Setup) -> Measurement:
    """Measure the real API process; every registration answered 201 must be stored."""
    return await _stored_rate(setup, [sys.executable, "-m", "registration", "api"])


async def stubbed(setup: Setup) -> Measurement:
    """Measure the same app without its store."""
    measured, _ = await _request_rate(
        setup, [sys.executable, "-m", "bench.rivals.registration_api_variant", "stubbed"]
    )
    return measured


async def stock(setup: Setup) -> Measurement:
    """Measure a stock FastAPI endpoint without a store."""
    command = [sys.executable, "-m", "bench.rivals.fastapi_without_store", "{port}"]
    measured, _ = await _request_rate(setup, command, "/openapi.json")
    return measured


async def per_request(setup: Setup) -> Measurement:
    """Measure the same app with one transaction per request."""
    return await _stored_rate(
        setup, [sys.executable, "-m", "bench.rivals.registration_api_variant", "per-request"]
    )


async def bare_asyncpg(setup: Setup) -> Measurement:
    """Measure asyncpg with the intake's statements, without HTTP."""
    people = ASYNCPG_ROWS[setup.scale]
    command = [sys.executable, "-m", "bench.rivals.asyncpg_inserts"]
    before = await participant_count(setup)
    process = await asyncio.create_subprocess_exec(
        *command,
        str(setup.reserve_people(people)),
        str(people),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=setup.database.environment(),
    )
    out, _ = await process.communicate()
    if await participant_count(setup) - before != people:
        raise WrongCountsError("not all registrations were stored")
    return Measurement({"rate": people / float(out)}, people)


async def _stored_rate(setup: Setup, command: list[str]) -> Measurement:
    before = await participant_count(setup)
    measured, answered = await _request_rate(setup, command)
    stored = await participant_count(setup) - before
    # At the end of each of its two runs wrk does not wait for open requests; they may be stored too.
    if not answered <= stored <= answered + 2 * CONNECTIONS:
        raise WrongCountsError(f"{stored} stored, {answered} answered")
    return measured


async def _request_rate(
    setup: Setup, command: list[str], ready: str = "/health/ready"
) -> tuple[Measurement, int]:
    """Return the measurement, and the number of responses including those of the warm-up."""
    port = free_ports(1)[0]
    process = subprocess.Popen(
        [word.format(port=port) for word in command],
        env=setup.database.environment(
            REGISTRATION_PORT=str(port), REGISTRATION_PUBLIC_PER_ADDRESS_PER_MINUTE="1000000"
        ),
        cwd=ROOT,
    )
    try:
        await asyncio.to_thread(_wait_ready, f"http://127.0.0.1:{port}{ready}", process)
        warm = await wrk(setup, port, WARM_UP_S[setup.scale])
        meter = Meter({"API": process.pid, "PostgreSQL": setup.database.postgres_pid})
        timed = await wrk(setup, port, TIMED_S[setup.scale])
        usages = meter.stop()
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 30)
    rate = timed["answered"] / timed["seconds"]
    measured = Measurement({"rate": rate}, timed["answered"], usages)
    return measured, warm["answered"] + timed["answered"]


async def wrk(setup: Setup, port: int, seconds: int) -> dict[str, Any]:
    """Run wrk on 64 connections without pause; return its JSON report, which has `answered` and `seconds`.

    Raises WrongCountsError if a response is not 201.
    """
    first = setup.next_person
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
        env={**os.environ, "FIRST": str(first), "KEY": setup.database.key},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    summary: dict[str, Any] = json.loads(out.splitlines()[-1])
    setup.reserve_people(summary["answered"])
    if summary["failed"]:
        raise WrongCountsError(f"{summary['failed']} of {summary['answered']} requests were not answered 201")
    return summary


async def participant_count(setup: Setup) -> int:
    """Return the number of participants in the register."""
    connection = await asyncpg.connect(**setup.database.address.asyncpg_options())
    try:
        return int(await connection.fetchval("SELECT count(*) FROM participant"))
    finally:
        await connection.close()


def _wait_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    if not wait_until_ready(url, process, READY_S_MAX):
        raise RuntimeError(f"{url} is not ready; exit code {process.poll()}")


PATH: Final = Path(
    name="intake",
    about="`POST /v1/participants` with validation, HMAC, encryption, idempotency and event, by one API "
    "process, 64 connections of wrk: registrations answered 201 per second.",
    figures={"rate": Figure("registrations/s")},
    ours=Contender("registration API", ours),
    rivals=(
        Contender("same app, store stubbed", stubbed),
        Contender("stock FastAPI, no store", stock),
        Contender("transaction per request", per_request),
        Contender("bare asyncpg", bare_asyncpg),
    ),
    goals=(
        Goal("rate", "same app, store stubbed", 0.65),
        Goal("rate", "stock FastAPI, no store", 0.8),
        Goal("rate", "transaction per request", 3.0),
        Goal("rate", "bare asyncpg", 1.5),
    ),
    open=open_setup,
)

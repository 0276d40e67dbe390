"""Path `import`: rows a second from a CSV file into the register, beside a bare COPY of what it wrote."""

from __future__ import annotations

import asyncio
import csv
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path as File
from typing import Final

import asyncpg

from bench.fixtures.registration_database import AGENCY, CAMPAIGN, Register, register
from bench.measurement.process_usage import Meter, Usage
from bench.paths.model import Contender, Figure, Goal, Measured, Path, Scale, WrongCountsError
from deploy.local.paths import ROOT

ROWS: Final = {Scale.FULL: 200_000, Scale.QUICK: 40_000, Scale.SMOKE: 400}
TABLES: Final = ("participant", "event")
COLUMNS: Final = (
    *("name", "nik", "region", "consent", "phone", "business_name", "business_category"),
    *("agency", "campaign", "booth", "occurred_at"),
)
EMPTY: Final = """
TRUNCATE participant, event, import_file CASCADE;
UPDATE partition SET last_sequence = 0, published = 0;
"""
TOOK: Final = (
    "SELECT extract(epoch FROM finished_at - started_at)::float8 FROM import_file WHERE state = 'done'"
)


@dataclass(frozen=True)
class World:
    """A register, a file, and what the import made of it, as COPY takes it."""

    register: Register
    rows: int
    file: File
    copies: dict[str, File]


@asynccontextmanager
async def open_world(scale: Scale) -> AsyncIterator[World]:
    """Write the file, import it once, and keep the rows that came of it."""
    async with register() as found:
        file = found.folder / "people.csv"
        _write(file, ROWS[scale])
        copies = {table: found.folder / f"{table}.copy" for table in TABLES}
        world = World(found, ROWS[scale], file, copies)
        await _import(world)
        connection = await asyncpg.connect(found.url)
        try:
            for table, copy in copies.items():
                await connection.copy_from_table(table, output=copy)
        finally:
            await connection.close()
        yield world


def _write(file: File, rows: int) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(COLUMNS)
        for number in range(rows):
            born = f"{1 + number % 28:02d}{1 + number // 28 % 12:02d}{number // 336 % 100:02d}"
            nik = f"319901{born}{number // 33_600:04d}"
            person = (f"Peserta {number}", nik, "31.71.01.1001", "2026-01", "+628123456789")
            taken = (AGENCY, CAMPAIGN, "booth-07", "2021-10-24T19:04:58+07:00")
            writer.writerow((*person, "Warung Contoh", "kuliner", *taken))


async def ours(world: World) -> Measured:
    """`registration import FILE`; timed from its first to its last transaction, by the database."""
    usages = await _import(world)
    connection = await asyncpg.connect(world.register.url)
    try:
        took_s = await connection.fetchval(TOOK)
        await _check(connection, world)
    finally:
        await connection.close()
    return Measured({"rate": world.rows / took_s}, world.rows, usages)


async def _import(world: World) -> tuple[Usage, ...]:
    connection = await asyncpg.connect(world.register.url)
    try:
        await connection.execute(EMPTY)
    finally:
        await connection.close()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "registration", "import", str(world.file)),
        env=world.register.environment(),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    meter = Meter({"import": process.pid, "PostgreSQL": world.register.postgres_pid})
    usages = meter.stop()
    ending = asyncio.ensure_future(process.communicate())
    while not ending.done():
        # Its figures can only be read while it runs: the last look at it counts.
        seen = meter.stop()
        usages = seen if seen[0].cpu_s >= usages[0].cpu_s else usages
        await asyncio.wait({ending}, timeout=0.2)
    if process.returncode:
        raise RuntimeError(
            f"the import ended with {process.returncode}: {ending.result()[1].decode()[-500:]}"
        )
    return usages


async def copy(world: World) -> Measured:
    """The same rows into the same tables, in one transaction, with no checks."""
    connection = await asyncpg.connect(world.register.url)
    meter = Meter({"PostgreSQL": world.register.postgres_pid})
    try:
        await connection.execute(EMPTY)
        began_s = time.monotonic()
        async with connection.transaction():
            for table, rows in world.copies.items():
                await connection.copy_to_table(table, source=rows)
        took_s = time.monotonic() - began_s
        await _check(connection, world)
    finally:
        await connection.close()
    return Measured({"rate": world.rows / took_s}, world.rows, meter.stop())


async def _check(connection: asyncpg.Connection, world: World) -> None:
    for table in TABLES:
        stored = await connection.fetchval(f"SELECT count(*) FROM {table}")
        if stored != world.rows:
            raise WrongCountsError(f"{stored} rows in {table} of {world.rows}")


PATH: Final = Path(
    name="import",
    about="A CSV file into the register by `registration import`: checks, HMAC, encryption and events, from "
    "its first to its last transaction; beside it COPY of the same rows into the same tables.",
    figures={"rate": Figure("rows/s")},
    ours=Contender("CSV import", ours),
    rivals=(Contender("COPY", copy),),
    goals=(Goal("rate", "COPY", 0.25), Goal("rate", "20,000 rows/s", limit=20_000)),
    open=open_world,
)

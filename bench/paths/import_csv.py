"""Path `import`: rows per second from a CSV file into the register, beside a plain COPY of the same rows."""

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

from bench.fixtures.registration_database import AGENCY, CAMPAIGN, RegistrationDatabase, registration_database
from bench.measurement.process_usage import Meter, Usage
from bench.paths.path_definition import Contender, Figure, Goal, Measurement, Path, Scale, WrongCountsError
from deploy.local.paths import ROOT

ROWS: Final = {Scale.FULL: 200_000, Scale.QUICK: 40_000, Scale.SMOKE: 400}
TABLES: Final = ("participant", "event")
COLUMNS: Final = (
    *("name", "nik", "region", "consent", "phone", "business_name", "business_category"),
    *("agency", "campaign", "booth", "occurred_at"),
)
RESET: Final = """
GRANT TRUNCATE ON event TO current_user;
TRUNCATE participant, event, import_file CASCADE;
UPDATE partition SET last_sequence = 0, published = 0;
"""
IMPORT_S: Final = (
    "SELECT extract(epoch FROM finished_at - started_at)::float8 FROM import_file WHERE state = 'done'"
)


@dataclass(frozen=True)
class Setup:
    """A register, a CSV file, and for each table the imported rows as a file for COPY."""

    database: RegistrationDatabase
    rows: int
    file: File
    copies: dict[str, File]


@asynccontextmanager
async def open_setup(scale: Scale) -> AsyncIterator[Setup]:
    """Write the CSV file, import it once, and save the resulting rows for COPY."""
    async with registration_database() as database:
        file = database.folder / "people.csv"
        _write(file, ROWS[scale])
        copies = {table: database.folder / f"{table}.copy" for table in TABLES}
        setup = Setup(database, ROWS[scale], file, copies)
        await _import(setup)
        connection = await asyncpg.connect(**database.address.asyncpg_options())
        try:
            for table, copy in copies.items():
                await connection.copy_from_table(table, output=copy)
        finally:
            await connection.close()
        yield setup


def _write(file: File, rows: int) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(COLUMNS)
        for number in range(rows):
            born = f"{1 + number % 28:02d}{1 + number // 28 % 12:02d}{number // 336 % 100:02d}"
            nik = f"319901{born}{number // 33_600 + 1:04d}"
            person = (f"Peserta {number}", nik, "31.71.01.1001", "2026-01", "+628123456789")
            scope = (AGENCY, CAMPAIGN, "booth-07", "2021-10-24T19:04:58+07:00")
            writer.writerow((*person, "Warung Contoh", "kuliner", *scope))


async def ours(setup: Setup) -> Measurement:
    """Measure `registration import FILE` from its first to its last transaction, by the database's clock."""
    usages = await _import(setup)
    connection = await asyncpg.connect(**setup.database.address.asyncpg_options())
    try:
        took_s = await connection.fetchval(IMPORT_S)
        await _check(connection, setup)
    finally:
        await connection.close()
    return Measurement({"rate": setup.rows / took_s}, setup.rows, usages)


async def _import(setup: Setup) -> tuple[Usage, ...]:
    connection = await asyncpg.connect(**setup.database.address.asyncpg_options())
    try:
        await connection.execute(RESET)
    finally:
        await connection.close()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "registration", "import", str(setup.file)),
        env=setup.database.environment(),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    meter = Meter({"import": process.pid, "PostgreSQL": setup.database.postgres_pid})
    usages = meter.stop()
    output = asyncio.ensure_future(process.communicate())
    while not output.done():
        # /proc shows the usage only while the process runs, so the last reading before its end is kept.
        reading = meter.stop()
        usages = reading if reading[0].cpu_s >= usages[0].cpu_s else usages
        await asyncio.wait({output}, timeout=0.2)
    if process.returncode:
        raise RuntimeError(
            f"the import ended with {process.returncode}: {output.result()[1].decode()[-500:]}"
        )
    return usages


async def copy(setup: Setup) -> Measurement:
    """Measure COPY of the same rows into the same tables, in one transaction, without validation."""
    connection = await asyncpg.connect(**setup.database.address.asyncpg_options())
    meter = Meter({"PostgreSQL": setup.database.postgres_pid})
    try:
        await connection.execute(RESET)
        began_s = time.monotonic()
        async with connection.transaction():
            for table, rows in setup.copies.items():
                await connection.copy_to_table(table, source=rows)
        took_s = time.monotonic() - began_s
        await _check(connection, setup)
    finally:
        await connection.close()
    return Measurement({"rate": setup.rows / took_s}, setup.rows, meter.stop())


async def _check(connection: asyncpg.Connection, setup: Setup) -> None:
    for table in TABLES:
        stored = await connection.fetchval(f"SELECT count(*) FROM {table}")
        if stored != setup.rows:
            raise WrongCountsError(f"{table} has {stored} rows instead of {setup.rows}")


PATH: Final = Path(
    name="import",
    about="`registration import` of a CSV file into the register: validation, HMAC, encryption and events, "
    "from its first to its last transaction. The rival is COPY of the same rows into the same tables.",
    figures={"rate": Figure("rows/s")},
    ours=Contender("CSV import", ours),
    rivals=(Contender("COPY", copy),),
    goals=(Goal("rate", "COPY", 0.25), Goal("rate", "20,000 rows/s", limit=20_000)),
    open=open_setup,
)

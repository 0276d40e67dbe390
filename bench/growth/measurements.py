"""Measures CPU time and memory at each size: for counting a backlog, for an audit, and for board updates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path as File
from typing import Final

import asyncpg

from bench.fixtures import worker_and_counts
from bench.fixtures.event_backlog import Backlog, EventGenerator, event_generator, fill_topic
from bench.fixtures.kafka_and_postgres import Servers, running_servers
from bench.fixtures.registration_database import registration_database
from bench.measurement.process_usage import Meter
from bench.paths import board
from bench.paths.path_definition import Scale
from bench.rivals import rival_measurement
from database.address import DatabaseAddress
from database.pool import connect
from registration.audit.expected_tallies import expected_at
from registration.audit.published_cut import PublishedCut

DEADLINE_S: Final = 900.0
SAMPLE_EVERY_S: Final = 0.5
US_PER_S: Final = 1_000_000
PARTICIPANTS_PER_INSERT: Final = 250_000
# Inserts participants with the same columns as the intake writes, spread over kelurahan and agencies.
INSERT_PARTICIPANTS: Final = """
INSERT INTO participant (id, cipher_key_id, region, agency, campaign, steps, consent, channel)
SELECT gen_random_uuid(), 'k', ($1::text[])[1 + n % cardinality($1::text[])], ($2::text[])[1 + n % 5],
       'fest-2021',
       CASE n % 3 WHEN 0 THEN ARRAY['P2'] WHEN 1 THEN ARRAY['P2', 'P3'] ELSE '{}' END, '2026-01', 'booth'
FROM generate_series(1, $3::integer) AS n
"""

Values = Mapping[str, float]


@dataclass(frozen=True)
class Counting:
    """A broker and a database that count one backlog after another."""

    servers: Servers
    address: DatabaseAddress

    async def backlog(self, name: str, events: int, generator: EventGenerator | None = None) -> Backlog:
        """Fill a new topic with events."""
        return await fill_topic(await self.servers.topics(f"{name}-"), events, generator)

    async def count(self, backlog: Backlog, workers: int = 1) -> Values:
        """Count a backlog; the clock starts when a tenth of it is counted. Raises WrongCountsError."""
        async with worker_and_counts.empty_tallies(self.address) as connection:
            group, log = worker_and_counts.new_group(), self.servers.folder / "worker.log"
            processes = [
                worker_and_counts.start(backlog.settings, self.address, group, log) for _ in range(workers)
            ]
            try:
                names = {f"worker {number}": process.pid for number, process in enumerate(processes)}
                first, began_at = await worker_and_counts.wait_counted(
                    connection, processes[0], backlog.events // 10, DEADLINE_S
                )
                meter = Meter({**names, **self.servers.pids})
                _, ended_at = await worker_and_counts.wait_counted(
                    connection, processes[0], backlog.events, DEADLINE_S
                )
                used = {usage.process: usage for usage in meter.stop()}
            finally:
                for process in processes:
                    process.terminate()
                for process in processes:
                    process.wait(30)
            rival_measurement.check(
                await worker_and_counts.tallies_by_kelurahan(connection), backlog.expected
            )
        timed = backlog.events - first
        return {
            "worker": sum(used[name].cpu_s for name in names) / timed * US_PER_S,
            "PostgreSQL": used["PostgreSQL"].cpu_s / timed * US_PER_S,
            "memory": max(used[name].memory_mib for name in names),
            "rate": timed / (ended_at - began_at),
        }


@asynccontextmanager
async def counting() -> AsyncIterator[Counting]:
    """Start a broker and a database, and yield the object that counts backlogs with them."""
    async with running_servers() as servers:
        yield Counting(servers, servers.database("growth", "aggregator")["aggregator"])


def synthetic_kelurahan(count: int) -> list[str]:
    """Return `count` codes in the contract's format: up to 98 in a district, up to 98 districts in a city."""
    return [f"31.{1 + n // 9604:02}.{1 + n // 98 % 98:02}.{1001 + n % 98}" for n in range(count)]


def generator_with_agencies(count: int) -> EventGenerator:
    """Return a generator of events in `count` different agencies; each agency has its own scope."""
    return event_generator(agencies=[f"agency-{number}" for number in range(count)])


async def audits(sizes: Sequence[int]) -> AsyncIterator[tuple[int, Values]]:
    """Run the audit's query on a register that grows to each of these sizes; `sizes` is ascending."""
    async with registration_database() as database:
        connection = await asyncpg.connect(**database.address.asyncpg_options(), command_timeout=DEADLINE_S)
        pool = await connect(database.address, application_name="growth")
        try:
            await connection.execute("SET statement_timeout = 0")
            for size in sizes:
                await _insert_participants(connection, size)
                yield size, await _measure_audit(pool, database.postgres_pid)
        finally:
            pool.terminate()
            await connection.close()


async def _insert_participants(connection: worker_and_counts.Connection, size: int) -> None:
    """Insert participants until there are `size` of them, then vacuum the table as autovacuum would."""
    regions, agencies = event_generator().regions, event_generator().agencies
    while (missing := size - int(await connection.fetchval("SELECT count(*) FROM participant"))) > 0:
        await connection.execute(
            INSERT_PARTICIPANTS, list(regions), list(agencies), min(missing, PARTICIPANTS_PER_INSERT)
        )
    await connection.execute("VACUUM ANALYZE participant")


async def _measure_audit(pool: asyncpg.Pool[asyncpg.Record], postgres_pid: int) -> Values:
    empty_cut = PublishedCut("1.1", 1, 1, (0,) * 12, (), 0, {})
    meter = Meter({"PostgreSQL": postgres_pid})
    began_at = time.monotonic()
    await expected_at(pool, empty_cut)
    took_s = time.monotonic() - began_at
    return {"audit": took_s * 1000, "CPU": meter.stop()[0].cpu_s * 1000}


async def board_updates(folder: File, counts: Sequence[int]) -> AsyncIterator[tuple[int, Values]]:
    """Measure one board with each number of viewers in `counts`, at one update per second."""
    async with board.open_setup(Scale.QUICK) as setup:
        for count in counts:
            board_setup = board.Setup(folder, count, setup.lines, None)
            measurement = await asyncio.to_thread(board.ours, board_setup)
            yield count, measurement.figures

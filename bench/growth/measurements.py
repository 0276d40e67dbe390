"""What work costs as it grows: one measurement per size, of counting, auditing and being watched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path as File
from typing import Final

import asyncpg

from bench.fixtures import aggregator_worker
from bench.fixtures.event_backlog import Backlog, Source, fill, source
from bench.fixtures.kafka_and_postgres import Servers, running
from bench.fixtures.registration_database import register
from bench.measurement.process_usage import Meter
from bench.paths import board
from bench.paths.model import Scale
from bench.rivals import rival_process
from database.pool import connect
from registration.audit.expected_tallies import expected_at
from registration.audit.published_cut import PublishedCut

DEADLINE_S: Final = 900.0
SAMPLE_EVERY_S: Final = 0.5
US_PER_S: Final = 1_000_000
PEOPLE_AT_ONCE: Final = 250_000
# Each participant stands in a kelurahan, and comes from one event; both are as the intake writes them.
PEOPLE: Final = """
INSERT INTO participant (id, cipher_key_id, region, agency, campaign, steps, consent, channel)
SELECT gen_random_uuid(), 'k', ($1::text[])[1 + n % cardinality($1::text[])], ($2::text[])[1 + n % 5],
       'fest-2021',
       CASE n % 3 WHEN 0 THEN ARRAY['P2'] WHEN 1 THEN ARRAY['P2', 'P3'] ELSE '{}' END, '2026-01', 'booth'
FROM generate_series(1, $3::integer) AS n
"""

Values = Mapping[str, float]


@dataclass(frozen=True)
class Counting:
    """A broker and a database for backlogs, one after another."""

    servers: Servers
    url: str

    async def backlog(self, name: str, events: int, made: Source | None = None) -> Backlog:
        """Fill a topic of its own."""
        return await fill(await self.servers.topics(f"{name}-"), events, made)

    async def count(self, backlog: Backlog, workers: int = 1) -> Values:
        """Count a backlog from its first tenth to its end. Raises WrongCounts."""
        async with aggregator_worker.counts(self.url) as connection:
            group, log = aggregator_worker.group(), self.servers.folder / "worker.log"
            processes = [
                aggregator_worker.start(backlog.settings, self.url, group, log) for _ in range(workers)
            ]
            try:
                names = {f"worker {number}": one.pid for number, one in enumerate(processes)}
                first, began_at = await aggregator_worker.until_counted(
                    connection, processes[0], backlog.events // 10, DEADLINE_S
                )
                meter = Meter({**names, **self.servers.pids})
                _, ended_at = await aggregator_worker.until_counted(
                    connection, processes[0], backlog.events, DEADLINE_S
                )
                used = {one.process: one for one in meter.stop()}
            finally:
                for process in processes:
                    process.terminate()
                for process in processes:
                    process.wait(30)
            rival_process.check(await aggregator_worker.per_kelurahan(connection), backlog.truth)
        timed = backlog.events - first
        return {
            "worker": sum(used[name].cpu_s for name in names) / timed * US_PER_S,
            "PostgreSQL": used["PostgreSQL"].cpu_s / timed * US_PER_S,
            "memory": max(used[name].memory_mib for name in names),
            "rate": timed / (ended_at - began_at),
        }


@asynccontextmanager
async def counting() -> AsyncIterator[Counting]:
    """Start the servers."""
    async with running() as servers:
        yield Counting(servers, servers.database("growth", "aggregator")["aggregator"])


def made_up_kelurahan(count: int) -> list[str]:
    """So many codes of the contract's shape, at most 98 in a district, 98 districts in a city."""
    places = range(count)
    return [f"31.{1 + n // 9604:02}.{1 + n // 98 % 98:02}.{1001 + n % 98}" for n in places]


def many_scopes(count: int) -> Source:
    """A source whose events lie in so many agencies' scopes."""
    return source(agencies=[f"agency-{number}" for number in range(count)])


async def audits(sizes: Sequence[int]) -> AsyncIterator[tuple[int, Values]]:
    """Count a register's standings as the audit does, at each of these sizes, ascending."""
    async with register() as found:
        connection = await asyncpg.connect(found.url, command_timeout=DEADLINE_S)
        pool = await connect(found.url, application_name="growth")
        try:
            await connection.execute("SET statement_timeout = 0")
            for size in sizes:
                await _grow(connection, size)
                yield size, await _audited(pool, found.postgres_pid)
        finally:
            pool.terminate()
            await connection.close()


async def _grow(connection: aggregator_worker.Connection, size: int) -> None:
    """Add participants up to so many; nobody reads the table until it is vacuumed, as autovacuum would."""
    regions, agencies = source().regions, source().agencies
    while (missing := size - int(await connection.fetchval("SELECT count(*) FROM participant"))) > 0:
        await connection.execute(PEOPLE, list(regions), list(agencies), min(missing, PEOPLE_AT_ONCE))
    await connection.execute("VACUUM ANALYZE participant")


async def _audited(pool: asyncpg.Pool[asyncpg.Record], postgres_pid: int) -> Values:
    nothing = PublishedCut("1.1", 1, (0,) * 12, (), 0, {})
    meter = Meter({"PostgreSQL": postgres_pid})
    began_at = time.monotonic()
    await expected_at(pool, nothing)
    took_s = time.monotonic() - began_at
    return {"audit": took_s * 1000, "CPU": meter.stop()[0].cpu_s * 1000}


async def watched(folder: File, counts: Sequence[int]) -> AsyncIterator[tuple[int, Values]]:
    """An update a second to so many viewers of one board."""
    async with board.open_world(Scale.QUICK) as world:
        for count in counts:
            one = board.World(folder, count, world.lines, None)
            measured = await asyncio.to_thread(board.ours, one)
            yield count, measured.figures

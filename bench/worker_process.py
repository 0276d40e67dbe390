"""Runs the product's counting worker for a measurement, and reads from PostgreSQL what it has counted."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import asyncpg

from aggregator.decoding.decoder_selection import CompiledMode
from deploy.local.ports import free_ports
from settings.kafka import KafkaSettings

if TYPE_CHECKING:  # asyncpg's classes are generic to the type checker only
    Connection = asyncpg.Connection[Any]

COUNTED: Final = "select coalesce(sum(sequence), 0) from position join live using (set_id)"
TALLIES: Final = (
    "select region, count from tally join live using (set_id) where (scope, measure) = ('all', 'registered')"
)
FORGET: Final = (
    "truncate tally, minute_tally, changed, quarantine",
    "update position set sequence = 0, kafka_offset = 0, gap_seen = null",
)
KELURAHAN_LENGTH: Final = 13


def start(
    settings: KafkaSettings, url: str, group: str, log: Path, compiled: CompiledMode = "auto"
) -> subprocess.Popen[bytes]:
    """Start `python -m aggregator worker` with its defaults, but for how it decodes."""
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": settings.topic_prefix,
        "AGGREGATOR_DATABASE_URL": url,
        "AGGREGATOR_GROUP": group,
        "AGGREGATOR_COMPILED": compiled,
        "AGGREGATOR_PORT": str(free_ports(1)[0]),
    }
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "aggregator", "worker"], env=environment, stdout=out, stderr=out
        )


def group() -> str:
    """A consumer group that nobody was in."""
    return f"bench-{uuid4().hex[:8]}"


@asynccontextmanager
async def counts(url: str) -> AsyncIterator[Connection]:
    """A connection to the aggregator's tables, empty at first."""
    connection = await asyncpg.connect(url)
    try:
        for statement in FORGET:
            await connection.execute(statement)
        yield connection
    finally:
        await connection.close()


async def counted(connection: Connection) -> int:
    """How many events are counted, durably."""
    return int(await connection.fetchval(COUNTED))


async def per_kelurahan(connection: Connection) -> Mapping[str, int]:
    """What was counted, by the lowest regions."""
    rows = await connection.fetch(TALLIES)
    return {row["region"]: row["count"] for row in rows if len(row["region"]) == KELURAHAN_LENGTH}


async def until_counted(
    connection: Connection, process: subprocess.Popen[bytes], events: int, deadline_s: float
) -> tuple[int, float]:
    """Wait until so many are counted; how many there were then, and when.

    Raises TimeoutError, RuntimeError.
    """
    ends = time.monotonic() + deadline_s
    while (done := await counted(connection)) < events:
        if process.poll() is not None:
            raise RuntimeError(f"the worker ended with {process.returncode}")
        if time.monotonic() > ends:
            raise TimeoutError(f"{done} of {events} counted within {deadline_s:.0f} s")
        await asyncio.sleep(0.01)
    return done, time.monotonic()

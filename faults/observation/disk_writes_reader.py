"""Measures what the campaign has written: event records, PostgreSQL's log, and topics on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncpg

from aggregator.domain.event_fold import PARTITIONS
from faults.invariants.disk_writes import StoredVolume
from faults.running_system.system_under_test import SystemUnderTest
from kafka.topic_reader import open_reader

LOG_POSITION: Final = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"


async def log_position(system: SystemUnderTest) -> int:
    """Return the number of bytes that PostgreSQL has ever written to its log."""
    connection = await asyncpg.connect(**system.databases.admin.asyncpg_options())
    try:
        position: int = await connection.fetchval(LOG_POSITION)
        return position
    finally:
        await connection.close()


async def count_records(system: SystemUnderTest) -> tuple[int, int]:
    """Return how many records participant-events ever had, and how many it has in unknown partitions."""
    async with open_reader(system.topics.settings(), "participant-events", range(PARTITIONS)) as topic:
        ever = sum(end for _, end in (await topic.bounds()).values())
        foreign = sum(end - first for first, end in (await topic.bounds_above(PARTITIONS - 1)).values())
    return ever, foreign


async def read_stored_volume(
    system: SystemUnderTest, events: int, full_pauses_s: Sequence[float], log_start: int
) -> StoredVolume:
    """Measure the volume. `log_start` is the position of PostgreSQL's log at the start of the campaign."""
    records, _ = await count_records(system)
    return StoredVolume(
        events=events,
        records=system.written_before + records,
        resent_max=system.resent_max,
        full_pauses_s=full_pauses_s,
        log_bytes=await log_position(system) - log_start,
        topic_bytes=_topic_bytes(system.folder / "broker-1"),
    )


def _topic_bytes(folder: Path) -> int:
    """Return the size of all segments of a broker. Deleted segments may disappear meanwhile."""
    return sum(path.stat().st_size for path in folder.glob("kafka/**/*.log") if path.exists())

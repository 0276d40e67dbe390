"""The difference between this machine's clock and the database's, in the details of a process's health."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lifecycle.clock_skew import DETAIL, ClockSkew
from telemetry.health import Health

NOW = datetime(2021, 10, 24, 12, 5, tzinfo=UTC)


class DatabaseWithTime:
    """Answers every query with a time."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    async def fetchval(self, query: str) -> datetime:
        return self.now


@pytest.mark.parametrize("skew", [timedelta(days=3), timedelta(hours=-48)])
async def test_a_skew_of_more_than_5_s_is_a_detail_and_does_not_make_the_process_unready(
    skew: timedelta,
) -> None:
    health = Health()

    measured_s = await ClockSkew(DatabaseWithTime(NOW), health, lambda: NOW + skew).measure_once()

    assert measured_s == skew.total_seconds()
    assert health.details[DETAIL] == f"{skew.total_seconds():+.0f} s from the database's clock"
    assert await health.failed_checks() == []


async def test_the_detail_ends_when_the_clocks_agree() -> None:
    health, database = Health(), DatabaseWithTime(NOW)
    clock = ClockSkew(database, health, lambda: NOW + timedelta(seconds=6))
    await clock.measure_once()

    database.now = NOW + timedelta(seconds=4)
    await clock.measure_once()

    assert health.details == {}

"""Rate limits hold across api processes: the token buckets are in PostgreSQL."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from database.pool import connect
from registration.intake.retention import delete_expired
from registration.store.token_buckets import TokenBuckets
from tests.support.postgres_server import Databases

pytestmark = pytest.mark.integration

PASS_TIME = "update token_bucket set full_at = full_at - make_interval(secs => $1)"
TOLERANCE_S = 2.0
"""The longest time that one statement of these tests takes on a busy machine."""
SLOW = 1 / 3600
"""Tokens per second, so few that none is added during a test."""


@pytest.fixture
async def pool(database: Databases) -> AsyncIterator[asyncpg.Pool[Any]]:
    pool = await connect(database.registration, application_name="test", max_size=8)
    yield pool
    pool.terminate()


@pytest.mark.parametrize("seed", range(5))
async def test_a_bucket_gives_its_burst_and_then_one_token_per_interval(
    pool: asyncpg.Pool[Any], seed: int
) -> None:
    pick = random.Random(seed)
    burst = pick.randint(1, 7)
    buckets = TokenBuckets(pool, "test", SLOW, burst)
    tokens = float(burst)

    for _ in range(40):
        if pick.random() < 0.3:
            passed = pick.choice((0.5, 1.0, 3.0))
            await pool.execute(PASS_TIME, passed / SLOW + TOLERANCE_S)
            tokens = min(burst, tokens + passed)
        wait_s = await buckets.take(b"one")
        if tokens >= 1:
            assert wait_s == 0
            tokens -= 1
        else:
            assert abs(wait_s - (1 - tokens) / SLOW) < 60


async def test_two_processes_together_give_a_key_its_burst(
    pool: asyncpg.Pool[Any], database: Databases
) -> None:
    other_pool = await connect(database.registration, application_name="other", max_size=8)
    processes = [TokenBuckets(pool, "test", SLOW, 6), TokenBuckets(other_pool, "test", SLOW, 6)]

    waits_s = await asyncio.gather(*(buckets.take(b"one") for _ in range(10) for buckets in processes))
    other_pool.terminate()

    assert sum(wait_s == 0 for wait_s in waits_s) == 6
    assert all(wait_s > 0 for wait_s in waits_s if wait_s)


async def test_each_key_of_each_limit_has_its_own_bucket(pool: asyncpg.Pool[Any]) -> None:
    per_address, per_nik = (TokenBuckets(pool, name, SLOW, 1) for name in ("address", "nik"))

    waits_s = [await per_address.take(b"one"), await per_address.take(b"two"), await per_nik.take(b"one")]

    assert waits_s == [0, 0, 0]
    assert await per_address.take(b"one") > 0


async def test_a_token_that_is_given_back_can_be_taken_again_and_a_full_bucket_does_not_grow(
    pool: asyncpg.Pool[Any],
) -> None:
    buckets = TokenBuckets(pool, "test", SLOW, 1)
    await buckets.give_back(b"one")
    await buckets.take(b"one")

    await buckets.give_back(b"one")
    await buckets.give_back(b"one")

    assert await buckets.take(b"one") == 0
    assert await buckets.take(b"one") > 0


async def test_only_full_buckets_are_deleted(pool: asyncpg.Pool[Any]) -> None:
    await TokenBuckets(pool, "slow", SLOW, 1).take(b"one")
    await TokenBuckets(pool, "fast", 1e6, 1).take(b"one")

    await delete_expired(pool, timedelta(hours=1), timedelta(hours=1), timedelta(hours=1))

    assert [row["name"] for row in await pool.fetch("select name from token_bucket")] == ["slow"]

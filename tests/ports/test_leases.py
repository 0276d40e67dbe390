"""The suite of the port `LeaseTable`, for the implementations in memory and in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from outbox.leadership import LeaseTable
from outbox.postgres_leases import PostgresLeaseTable
from tests.support.deadlines import until
from tests.support.fakes.leases_and_broker import MemoryLeases
from tests.support.manual_clock import ManualClock
from tests.support.postgres_server import Databases

LONG_S = 30.0
SHORT_S = 0.2


class Case:
    """A lease table, and a way to wait until a short lease has run out."""

    def __init__(self, rows: LeaseTable, clock: ManualClock | None) -> None:
        self.rows = rows
        self._clock = clock

    async def run_out(self) -> None:
        """Wait until a lease of SHORT_S seconds has run out."""
        if self._clock is not None:
            self._clock.now_s += 2 * SHORT_S
        else:
            await until(lambda: self._taken_by("probe"), name="the short lease has run out")

    async def _taken_by(self, holder: str) -> bool:
        if await self.rows.acquire("l", holder, 0.0) is None:
            return False
        await self.rows.release("l", holder, 0)
        return True


@pytest.fixture
def memory() -> Case:
    clock = ManualClock()
    return Case(MemoryLeases(clock), clock)


@pytest.fixture
async def postgres(database: Databases) -> AsyncIterator[Case]:
    pool: asyncpg.Pool[Any]
    async with asyncpg.create_pool(**database.registration.asyncpg_options(), min_size=2, max_size=8) as pool:
        yield Case(PostgresLeaseTable(pool), None)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.integration)])
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.getfixturevalue(request.param)
    return found


async def test_a_held_lease_is_kept_by_its_holder_and_by_nobody_else(case: Case) -> None:
    assert await case.rows.acquire("l", "A", LONG_S) == 1
    assert await case.rows.acquire("l", "A", LONG_S) == 1
    assert await case.rows.acquire("l", "B", LONG_S) is None


async def test_leases_of_other_names_are_apart(case: Case) -> None:
    assert await case.rows.acquire("l", "A", LONG_S) == 1
    assert await case.rows.acquire("m", "B", LONG_S) == 1


async def test_a_lease_that_has_run_out_goes_to_the_next_in_a_higher_term(case: Case) -> None:
    first = await case.rows.acquire("l", "A", SHORT_S)
    await case.run_out()

    term = await case.rows.acquire("l", "B", LONG_S)

    assert first == 1
    assert term is not None
    assert term > first
    assert await case.rows.acquire("l", "A", LONG_S) is None


async def test_a_released_lease_goes_to_the_next_at_once(case: Case) -> None:
    term = await case.rows.acquire("l", "A", LONG_S)
    assert term == 1

    await case.rows.release("l", "A", term)

    assert await case.rows.acquire("l", "B", LONG_S) == 2


async def test_only_the_term_that_holds_it_releases_a_lease(case: Case) -> None:
    await case.rows.acquire("l", "A", LONG_S)

    await case.rows.release("l", "A", 9)

    assert await case.rows.acquire("l", "B", LONG_S) is None


async def test_a_lifted_term_is_kept_by_renewals_and_risen_above_by_the_next(case: Case) -> None:
    await case.rows.acquire("l", "A", LONG_S)

    assert await case.rows.raise_term("l", "A", 1, above=40) == 41
    assert await case.rows.acquire("l", "A", LONG_S) == 41
    await case.rows.release("l", "A", 41)
    assert await case.rows.acquire("l", "B", LONG_S) == 42


async def test_a_lease_lost_meanwhile_is_not_lifted(case: Case) -> None:
    await case.rows.acquire("l", "A", LONG_S)
    await case.rows.release("l", "A", 1)
    await case.rows.acquire("l", "B", LONG_S)

    assert await case.rows.raise_term("l", "A", 1, above=40) is None


async def test_of_many_who_ask_at_once_one_gets_it(case: Case) -> None:
    terms = await asyncio.gather(*(case.rows.acquire("l", f"holder-{n}", LONG_S) for n in range(16)))

    assert [term for term in terms if term is not None] == [1]

"""At most one process leads, in every order of the steps of a few processes with one lease."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes.leases_and_broker import MemoryLeases, leadership
from tests.support.manual_clock import ManualClock

STEPS = st.lists(
    st.sampled_from(["A renews", "B renews", "A releases", "1 s", "2 s", "A raises its term"]), max_size=12
)


@given(STEPS)
def test_two_never_lead_at_once_and_terms_never_go_back(steps: list[str]) -> None:
    asyncio.run(_two_never_lead(steps))


async def _two_never_lead(steps: list[str]) -> None:
    clock = ManualClock()
    leases = MemoryLeases(clock)
    a, b = leadership(leases, "l", "A", clock), leadership(leases, "l", "B", clock)
    newest = 0
    for step in steps:
        match step:
            case "A renews":
                await a.renew()
            case "B renews":
                await b.renew()
            case "A releases":
                await a.release()
            case "A raises its term":
                await a.raise_term(above=newest)
            case seconds:
                clock.now_s += int(seconds[0])

        leading = [holder.term for holder in (a, b) if holder.term is not None]
        assert len(leading) <= 1
        assert all(leases.leads("l", term) for term in leading)
        newest = max([newest, *leading])
        assert not leading or leading[0] == newest


async def test_a_holder_that_missed_its_renewal_stops_leading_by_its_own_clock() -> None:
    clock = ManualClock()
    lease = leadership(MemoryLeases(clock), "l", "A", clock)
    await lease.renew()

    clock.now_s += 3.0

    assert lease.term is None


async def test_the_lease_time_starts_before_the_statement_is_sent() -> None:
    clock = ManualClock()

    class Slow(MemoryLeases):
        async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
            term = await super().acquire(name, holder, seconds)
            clock.now_s += 3.0  # the response takes as long as the lease
            return term

    lease = leadership(Slow(clock), "l", "A", clock)

    assert await lease.renew() is None


async def test_the_term_rises_only_with_the_holder() -> None:
    clock = ManualClock()
    leases = MemoryLeases(clock)
    a, b = leadership(leases, "l", "A", clock), leadership(leases, "l", "B", clock)
    assert await a.renew() == 1
    assert await a.renew() == 1
    assert await b.renew() is None

    clock.now_s += 3.1

    assert await b.renew() == 2
    assert await a.renew() is None


async def test_a_lease_expires_by_itself_if_the_database_does_not_answer() -> None:
    clock = ManualClock()

    class Unreachable(MemoryLeases):
        async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
            if clock.now_s > 0:
                raise ConnectionError
            return await super().acquire(name, holder, seconds)

    lease = leadership(Unreachable(clock), "l", "A", clock)
    await lease.renew()
    clock.now_s = 1.0

    with pytest.raises(ConnectionError):
        await lease.renew()

    assert lease.term == 1
    clock.now_s = 3.0
    assert lease.term is None

"""The audit is exact with quarantined events, if the cut names all of them."""

from __future__ import annotations

from functools import partial
from typing import Any

import asyncpg
import pytest

from tests.integration.registration.audit.audit_expectations import (
    REGISTRATIONS,
    audited,
    counted_at,
    some_positions,
    unexplained,
)
from tests.integration.registration.relay.conftest import StartProcess
from tests.support.deadlines import until
from tests.support.registration.cut_publisher import CutPublisher
from tests.support.registration.register_writer import Register
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

PLANTED = ("all", "31.71", "registered")


async def test_quarantined_events_are_no_drift(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(200)
    positions = await some_positions(register, behind=0)
    quarantined = ((3, 1), (5, 2))
    start("audit")

    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, positions, await counted_at(pool, positions, quarantined), quarantined)

        audit = await until(lambda: audited(topics, "1.1"), 60, name="the cut is audited")

    assert audit["drift"] == 0


async def test_a_cut_with_100_000_scattered_quarantined_events_is_audited_exactly(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.register_many(16_668)
    positions = await some_positions(register, behind=0)
    quarantined = {(partition, 2 * place) for partition in range(12) for place in range(1, 8_335)}
    counts = await counted_at(pool, positions, quarantined)
    assert len(quarantined) == sum(positions) / 2 == 100_008
    start("audit", REGISTRATION_AUDIT_EVERY_S="1", REGISTRATION_AUDIT_PAUSE_FACTOR="1")

    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, positions, counts, quarantined)
        exact = await until(lambda: audited(topics, "1.1"), 60, name="the cut is audited")
        await cuts.publish(2, positions, counts, quarantined - {(3, 8)} | {(3, 9)})
        misnamed = await until(lambda: audited(topics, "1.2"), 60, name="the second cut is audited")
        await cuts.publish(3, positions, {**counts, PLANTED: counts[PLANTED] + 7}, quarantined)
        miscounted = await until(lambda: audited(topics, "1.3"), 60, name="the third cut is audited")

    assert (exact["drift"], miscounted["drift"]) == (0, 7)
    assert misnamed["drift"] > 0


async def test_a_cut_that_does_not_name_all_quarantined_events_is_not_audited(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(50)
    positions = await some_positions(register, behind=0)
    counts = await counted_at(pool, positions)
    audit = start("audit")

    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, positions, counts, unnamed=1)
        await until(lambda: "audit inconclusive" in audit.log.read_text(), 60, name="it is inconclusive")
        state = await until(partial(unexplained, topics), 60, name="the outcome is published")
        assert state["audit"] is None
        await cuts.publish(2, positions, counts)
        result = await until(lambda: audited(topics, "1.2"), 60, name="the named cut is audited")

    assert result["drift"] == 0


async def test_negative_counts_from_quarantined_registrations_are_no_drift(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(300)
    positions = await some_positions(register, behind=0)
    rows = await pool.fetch(REGISTRATIONS)
    quarantined = tuple((row["partition"], row["sequence"]) for row in rows)
    counts = await counted_at(pool, positions, quarantined)
    assert min(counts.values()) < 0
    start("audit")

    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, positions, counts, quarantined)

        audit = await until(lambda: audited(topics, "1.1"), 60, name="the cut is audited")

    assert audit["drift"] == 0

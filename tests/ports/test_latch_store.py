"""The promises of `notifier.cut_evaluator.Latches`, kept by the fake and by PostgreSQL alike."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from database.pool import connect
from notifier.cut_evaluator import LatchStorePort
from notifier.domain.milestones import Latched, Rearmed
from notifier.store.latches import LatchStore
from tests.support.databases import Databases
from tests.support.fakes.latch_store import MemoryLatches
from tests.support.samples.milestones import crossing, official, webhook

pytestmark = pytest.mark.integration


@pytest.fixture(params=["memory", "postgres"])
async def latches(request: pytest.FixtureRequest) -> AsyncIterator[LatchStorePort]:
    if request.param == "memory":
        yield MemoryLatches()
        return
    database: Databases = request.getfixturevalue("database")
    pool = await connect(database.notifier, application_name="test")
    yield LatchStore(pool)
    await pool.close()


async def test_a_crossing_is_latched_once_however_often_it_is_recorded(latches: LatchStorePort) -> None:
    first = await latches.record([crossing()], [], [official()])
    again = await latches.record([crossing(value=210_000, cut="7.9")], [], [official()])

    assert (first, again) == ([crossing()], [])
    assert await latches.latches() == {crossing().key: Latched(1)}


async def test_only_the_new_crossings_come_back(latches: LatchStorePort) -> None:
    await latches.record([crossing()], [], [])

    new = await latches.record([crossing(), crossing(threshold=210_000)], [], [webhook()])

    assert new == [crossing(threshold=210_000)]


async def test_a_rearmed_latch_is_closed_and_crosses_under_the_next_number(latches: LatchStorePort) -> None:
    await latches.record([crossing()], [], [official()])

    await latches.record([], [Rearmed(crossing().key, 1, 199_000, "7.20")], [official()])
    closed = await latches.latches()
    await latches.record([crossing(number=2)], [], [official()])

    assert closed == {crossing().key: Latched(1, closed=True)}
    assert await latches.latches() == {crossing().key: Latched(2)}


async def test_an_epochs_base_is_decided_by_the_first(latches: LatchStorePort) -> None:
    await latches.open_epoch("fest", "7.1", {("all", "31", "registered"): 5})
    await latches.open_epoch("fest", "7.2", {("all", "31", "registered"): 9})

    assert await latches.bases() == {"fest": {("all", "31", "registered"): 5}}

"""The suite of the port `notifier.cut_evaluator.LatchStorePort`, for the fake and for PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from database.pool import connect
from notifier.cut_evaluator import LatchStorePort
from notifier.domain.evaluation_progress import Advance, EvaluatedCut
from notifier.domain.milestones import LatchState, Retraction
from notifier.store.latches import LatchStore
from tests.support.fakes.latch_store import MemoryLatchStore
from tests.support.postgres_server import Databases
from tests.support.samples.milestones import AS_OF, crossing, official, webhook

pytestmark = pytest.mark.integration


@pytest.fixture(params=["memory", "postgres"])
async def latches(request: pytest.FixtureRequest) -> AsyncIterator[LatchStorePort]:
    if request.param == "memory":
        yield MemoryLatchStore()
        return
    database: Databases = request.getfixturevalue("database")
    pool = await connect(database.notifier, application_name="test")
    yield LatchStore(pool)
    await pool.close()


async def test_a_crossing_is_latched_once_however_often_it_is_recorded(latches: LatchStorePort) -> None:
    first = await latches.record([crossing()], [], [official()])
    again = await latches.record([crossing(value=210_000, cut="7.9")], [], [official()])

    assert (first, again) == ([crossing()], [])
    assert await latches.latches() == {crossing().key: LatchState(1)}


async def test_only_the_new_crossings_are_returned(latches: LatchStorePort) -> None:
    await latches.record([crossing()], [], [])

    new = await latches.record([crossing(), crossing(threshold=210_000)], [], [webhook()])

    assert new == [crossing(threshold=210_000)]


async def test_a_retracted_latch_crosses_again_under_the_next_number(latches: LatchStorePort) -> None:
    await latches.record([crossing()], [], [official()])

    await latches.record([], [Retraction(crossing().key, 1, 199_000, "7.20")], [official()])
    retracted = await latches.latches()
    await latches.record([crossing(number=2)], [], [official()])

    assert retracted == {crossing().key: LatchState(1, retracted=True)}
    assert await latches.latches() == {crossing().key: LatchState(2)}


async def test_the_first_counts_of_an_epoch_are_kept(latches: LatchStorePort) -> None:
    await latches.open_epoch("fest", "7.1", {("all", "31", "registered"): 5})
    await latches.open_epoch("fest", "7.2", {("all", "31", "registered"): 9})

    assert await latches.bases() == {"fest": {("all", "31", "registered"): 5}}


def evaluated(number: int, offset: int = 7) -> EvaluatedCut:
    return EvaluatedCut((7, number), AS_OF, full_version=(7, 1), full_offset=offset)


async def test_the_evaluated_cut_moves_only_from_the_one_that_the_notifier_knows(
    latches: LatchStorePort,
) -> None:
    assert await latches.evaluated_cut() is None

    assert await latches.advance(Advance(None, evaluated(1)))
    assert await latches.advance(Advance(evaluated(1), evaluated(5, 9)))

    assert not await latches.advance(Advance(evaluated(1), evaluated(2)))
    assert not await latches.advance(Advance(None, evaluated(9)))
    assert await latches.evaluated_cut() == evaluated(5, 9)


async def test_a_notifier_that_is_behind_latches_and_retracts_nothing(latches: LatchStorePort) -> None:
    first = Advance(None, evaluated(1))
    assert await latches.record([crossing()], [], [official()], first) == [crossing()]
    await latches.advance(Advance(evaluated(1), evaluated(2)))
    behind = Advance(evaluated(1), evaluated(3))
    retraction = Retraction(crossing().key, 1, 199_000, "7.20")

    assert await latches.record([crossing(threshold=210_000)], [retraction], [official()], behind) is None

    assert await latches.latches() == {crossing().key: LatchState(1)}
    assert await latches.evaluated_cut() == evaluated(2)


async def test_a_confirmed_latch_has_the_newest_epoch_of_the_register(latches: LatchStorePort) -> None:
    await latches.record([crossing(), crossing(threshold=210_000)], [], [official()])

    await latches.confirm([crossing().key], 3)
    await latches.confirm([crossing().key], 2)

    assert await latches.latches() == {
        crossing().key: LatchState(1, register_epoch=3),
        crossing(threshold=210_000).key: LatchState(1),
    }

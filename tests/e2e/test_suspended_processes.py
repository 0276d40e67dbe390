"""A process stopped in its tracks holds nobody else up, and does no harm when it goes on."""

from __future__ import annotations

import pytest

from tests.support.deadlines import until
from tests.support.board_observer import Witness
from tests.support.registration_load import Crowd
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e

LIVE_ENDS_S_MAX = 5.0


async def test_an_api_process_asleep_holds_no_lock_against_the_other(
    counting: Stack, witness: Witness
) -> None:
    await counting.start("api-2")
    key = counting.keys["booth"]
    awake = Crowd([counting.url("api")], key)
    asleep = Crowd([counting.url("api-2")], key, first=100_000)

    async with awake, asleep:
        await until(lambda: len(asleep.accepted) > 50)
        counting.stop("api-2")
        before = len(awake.accepted)
        await until(lambda: len(awake.accepted) > before + 300, deadline_s=15)
        counting.cont("api-2")
        before = len(asleep.accepted)
        await until(lambda: len(asleep.accepted) > before + 50, deadline_s=15)

    await witness.sees_exactly(awake.accepted.keys() | asleep.accepted.keys())


@pytest.mark.timeout(180)
async def test_a_worker_asleep_longer_than_its_session_is_replaced_and_its_leftovers_change_nothing(
    counting: Stack, witness: Witness, crowd: Crowd
) -> None:
    await counting.start("worker-2")

    async with crowd:
        await until(lambda: len(crowd.accepted) > 100)
        counting.stop("worker")
        counted = await witness.total()
        await until(lambda: _moved(witness, counted + 300), deadline_s=40, every_s=0.3)
        counting.cont("worker")

    await witness.sees_exactly(crowd.accepted, deadline_s=60)


async def test_with_the_relay_dead_the_board_stops_saying_live_within_5_s(
    counting: Stack, witness: Witness, crowd: Crowd
) -> None:
    async with crowd:
        await until(lambda: _is(witness, "live"), deadline_s=15)
        counting.kill("relay")
        await until(lambda: _is_not(witness, "live"), deadline_s=LIVE_ENDS_S_MAX)
        await counting.start("relay")

    await witness.sees_exactly(crowd.accepted)


async def test_with_the_relay_dead_and_nobody_registering_the_board_stops_saying_live_within_5_s(
    counting: Stack, witness: Witness
) -> None:
    await until(lambda: _is(witness, "live"), deadline_s=15)

    counting.kill("relay")

    await until(lambda: _is_not(witness, "live"), deadline_s=LIVE_ENDS_S_MAX)


async def _moved(witness: Witness, beyond: int) -> bool:
    return await witness.total() > beyond


async def _is(witness: Witness, state: str) -> bool:
    return await witness.state() == state


async def _is_not(witness: Witness, state: str) -> bool:
    return not await _is(witness, state)

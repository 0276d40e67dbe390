"""Kafka may be away: intake goes on, the board says so, and all is counted when it is back."""

from __future__ import annotations

import pytest

from tests.support.broker import Broker
from tests.support.deadlines import until
from tests.support.board_observer import Witness
from tests.support.registration_load import Crowd
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e


@pytest.mark.timeout(240)
async def test_intake_goes_on_while_the_broker_is_down_and_the_board_goes_stale_then_catches_up(
    own_kafka: Broker, counting: Stack, witness: Witness, crowd: Crowd
) -> None:
    counting.keep_running("relay", "publisher", "audit")

    async with crowd:
        await until(lambda: len(crowd.accepted) > 50)
        own_kafka.kill()
        before = len(crowd.accepted)
        await until(lambda: _is(witness, "stale"), deadline_s=12)
        await until(lambda: len(crowd.accepted) > before + 200, deadline_s=20)
        # Without a worker yet, so that there is something to catch up with when the others are back.
        counting.kill("worker")
        await own_kafka.restart()
        await until(lambda: _is(witness, "catching_up"), deadline_s=30)
        await counting.start("worker")

    await witness.sees_exactly(crowd.accepted, deadline_s=60)


async def _is(witness: Witness, state: str) -> bool:
    return await witness.state() == state

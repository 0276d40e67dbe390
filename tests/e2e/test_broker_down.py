"""Kafka may be away: intake goes on, the board says so, and all is counted when it is back."""

from __future__ import annotations

import pytest

from tests.harness.broker import Broker
from tests.harness.crowd import Crowd
from tests.harness.stack import Stack
from tests.harness.waiting import until
from tests.harness.witness import Witness

pytestmark = pytest.mark.e2e


@pytest.mark.timeout(240)
async def test_intake_goes_on_while_the_broker_is_down_and_the_board_goes_stale_then_catches_up(
    own_kafka: Broker, counting: Stack, witness: Witness, crowd: Crowd
) -> None:
    counting.keep_running("relay", "worker", "publisher", "audit")

    async with crowd:
        await until(lambda: len(crowd.accepted) > 50)
        own_kafka.kill()
        before = len(crowd.accepted)
        await until(lambda: _is_stale(witness), deadline_s=12)
        await until(lambda: len(crowd.accepted) > before + 200, deadline_s=20)
        await own_kafka.restart()

    await witness.sees_exactly(crowd.accepted, deadline_s=60)
    shown = [state for _, state in witness.states]
    after_stale = shown[shown.index("stale") :]
    assert "catching_up" in after_stale, "between stale and live it catches up"


async def _is_stale(witness: Witness) -> bool:
    return await witness.state() == "stale"

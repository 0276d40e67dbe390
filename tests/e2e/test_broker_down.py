"""While Kafka is down, intake continues and the board is stale; afterwards every registration is counted."""

from __future__ import annotations

import pytest

from tests.support.board_count_checker import BoardObserver
from tests.support.broker import Broker
from tests.support.deadlines import until
from tests.support.registration_load import RegistrationClients
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e


async def test_with_the_broker_down_intake_continues_and_the_board_is_stale_then_catches_up(
    own_kafka: Broker, running_stack: Stack, observer: BoardObserver, clients: RegistrationClients
) -> None:
    running_stack.keep_running("relay", "publisher", "audit")

    async with clients:
        await until(lambda: len(clients.accepted) > 50)
        own_kafka.kill()
        before = len(clients.accepted)
        await until(lambda: _is(observer, "stale"))
        await until(lambda: len(clients.accepted) > before + 200, deadline_s=60)
        # The worker starts last, so that there are uncounted events while the other processes already run.
        running_stack.kill("worker")
        await own_kafka.restart()
        await until(lambda: _is(observer, "catching_up"), deadline_s=60)
        await running_stack.start("worker")

    await observer.wait_for_exactly(clients.accepted, deadline_s=60)


async def _is(observer: BoardObserver, state: str) -> bool:
    return await observer.state() == state

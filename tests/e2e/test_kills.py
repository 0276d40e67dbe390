"""kill -9 at every point where something was done and not yet noted, and at none in particular."""

from __future__ import annotations

import pytest

from tests.support.deadlines import until
from tests.support.failpoint_names import API, PUBLISHER, RELAY, WORKER
from tests.support.board_observer import Witness
from tests.support.registration_load import Crowd
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e


async def _die_at(stack: Stack, process: str, service: str, points: tuple[str, ...], passes: int) -> None:
    """Let a process die at each point in turn, after some passes, and come back without it."""
    for point in points:
        await stack.restart(process, env={f"{service}_CRASH_AT": f"{point}:{passes}"})
        assert await stack.ended(process) == -9
    await stack.start(process)


@pytest.mark.timeout(180)
async def test_api_and_relay_may_die_at_every_commit_point_and_nobody_is_lost_or_counted_twice(
    counting: Stack, witness: Witness, crowd: Crowd
) -> None:
    async with crowd:
        await _die_at(counting, "api", "REGISTRATION", API, passes=20)
        await _die_at(counting, "relay", "REGISTRATION", RELAY, passes=5)

    await witness.sees_exactly(crowd.accepted)


@pytest.mark.timeout(180)
async def test_worker_and_publisher_may_die_at_every_commit_point_and_the_count_stays_exact(
    counting: Stack, witness: Witness, crowd: Crowd
) -> None:
    async with crowd:
        await _die_at(counting, "worker", "AGGREGATOR", WORKER, passes=20)
        await _die_at(counting, "publisher", "AGGREGATOR", PUBLISHER, passes=10)

    await witness.sees_exactly(crowd.accepted)


async def test_all_killed_at_once_come_back_and_count_on(
    counting: Stack, witness: Witness, crowd: Crowd
) -> None:
    async with crowd:
        await until(lambda: len(crowd.accepted) > 50)
        for process in ("api", "relay", "audit", "worker", "publisher"):
            counting.kill(process)
        await counting.start("publisher", "worker", "audit", "relay", "api")
        before = len(crowd.accepted)
        await until(lambda: len(crowd.accepted) > before + 50)

    await witness.sees_exactly(crowd.accepted)

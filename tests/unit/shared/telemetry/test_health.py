"""A process is alive while its loops make progress, and ready while its checks pass."""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi.testclient import TestClient

from telemetry.health import Health, UnreachableError
from telemetry.health_endpoints import plain_app
from tests.support.manual_clock import ManualClock


def test_a_stalled_loop_fails_the_live_probe_until_its_next_heartbeat() -> None:
    clock = ManualClock()
    health = Health(clock)
    progress = health.progress("relay", seconds_max=15)
    client = TestClient(plain_app(health))

    at_start = client.get("/health/live").status_code
    clock.now_s = 16
    stalled = client.get("/health/live")
    progress.beat()
    again = client.get("/health/live").status_code

    assert (at_start, stalled.status_code, again) == (200, 503, 200)
    assert stalled.json()["standing_still"] == ["relay"]


def test_a_check_that_fails_or_raises_is_named_as_missing() -> None:
    health = Health()
    health.check("kafka", lambda: False)
    health.check("postgres", lambda: 1 / 0 > 0)
    health.check("topics", lambda: True)

    answer = TestClient(plain_app(health)).get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["missing"] == ["kafka", "postgres"]


async def test_a_dependency_that_does_not_answer_is_named_and_the_process_stays_ready() -> None:
    health = Health()
    reachable = True

    async def probe() -> None:
        if not reachable:
            raise ConnectionError

    health.dependency("kafka", probe)
    health.dependency("postgresql", partial(asyncio.sleep, 0))
    client = TestClient(plain_app(health))

    await health.probe_once()
    before = client.get("/health/ready")
    reachable = False
    await health.probe_once()
    after = client.get("/health/ready")
    reachable = True
    await health.probe_once()

    assert (before.status_code, before.json()["degraded"]) == (200, [])
    assert (after.status_code, after.json()["degraded"]) == (200, ["kafka"])
    assert health.degraded == []


async def test_the_reason_of_an_unreachable_dependency_is_a_detail_until_the_dependency_answers() -> None:
    health = Health()
    reachable = False

    async def probe() -> None:
        if not reachable:
            raise UnreachableError("the broker refuses the password. Correct it")

    health.dependency("kafka", probe)
    client = TestClient(plain_app(health))

    await health.probe_once()
    away = client.get("/health/ready").json()
    reachable = True
    await health.probe_once()
    back = client.get("/health/ready").json()

    assert away["degraded"] == ["kafka"]
    assert away["details"] == {"kafka": "the broker refuses the password. Correct it"}
    assert back["details"] == {}


async def test_a_dependency_or_a_check_that_never_answers_is_named_in_time() -> None:
    health = Health(answer_s_max=0.01)

    async def hangs() -> bool:
        return await asyncio.Event().wait()

    health.dependency("kafka", hangs)
    health.check("postgres", hangs)

    await health.probe_once()

    assert health.degraded == ["kafka"]
    assert await health.failed_checks() == ["postgres"]


async def test_a_process_is_not_degraded_once_it_has_reached_the_system_that_it_waited_for() -> None:
    health = Health(waits_for=("postgresql",))
    await health.probe_once()
    assert health.degraded == ["postgresql"]

    health.dependency("postgresql", answers)

    assert health.degraded == []
    assert health.degraded_s() == 0
    assert await health.failed_checks() == []


async def answers() -> None:
    """Reach a system."""

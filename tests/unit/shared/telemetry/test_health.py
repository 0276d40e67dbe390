"""A process is alive while its loops go round, and ready while it has what it needs."""

from __future__ import annotations

from fastapi.testclient import TestClient

from telemetry.health import Health
from telemetry.http import plain_app
from tests.support.manual_clock import ManualClock


def test_a_loop_that_stands_still_fails_the_live_probe_until_it_beats_again() -> None:
    clock = ManualClock()
    health = Health(clock)
    progress = health.progress("relay", seconds_max=15)
    client = TestClient(plain_app(health))

    fresh = client.get("/health/live").status_code
    clock.now_s = 16
    still = client.get("/health/live")
    progress.beat()
    again = client.get("/health/live").status_code

    assert (fresh, still.status_code, again) == (200, 503, 200)
    assert still.json()["standing_still"] == ["relay"]


def test_a_check_that_fails_or_raises_is_named_as_missing() -> None:
    health = Health()
    health.check("kafka", lambda: False)
    health.check("postgres", lambda: 1 / 0 > 0)
    health.check("topics", lambda: True)

    answer = TestClient(plain_app(health)).get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["missing"] == ["kafka", "postgres"]

"""Tests what a recovery says that it waits for."""

from __future__ import annotations

import pytest

from registration.relay.recovery_progress import NewEpoch, awaited

EPOCH = NewEpoch(2, (5, 3))


@pytest.mark.parametrize(
    ("published", "relay_alive", "text"),
    [
        ((0, 0), False, "Waiting for a relay: none runs, and 8 events are not published yet."),
        ((5, 0), True, "Waiting for the relay: 5 of 8 events are published."),
        ((9, 0), True, "Waiting for the relay: 5 of 8 events are published."),
        ((5, 3), True, "Waiting for the aggregator: all 8 events are published, but not counted yet."),
        ((6, 3), False, "Waiting for the aggregator: all 8 events are published, but not counted yet."),
    ],
)
def test_the_next_missing_step_is_named(published: tuple[int, int], relay_alive: bool, text: str) -> None:
    assert awaited(EPOCH, published, relay_alive=relay_alive) == text

"""Updates the freshness of the shown counts as time passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from board.metrics import AGE, COVERAGE, DRIFT, STATE
from board.state.counts import BoardState
from board.stream.subscriber_updates import Subscriptions
from cuts.freshness import FreshnessState
from lifecycle.stop_signal import StopSignal
from telemetry.health import Progress

CHECK_S: Final = 0.25
CHECKS_PER_TICK: Final = 4


async def tick_until_stopped(
    board_state: BoardState,
    subscriptions: Subscriptions,
    clock: Callable[[], float],
    stopping: StopSignal,
    progress: Progress,
) -> None:
    """Check the freshness every CHECK_S seconds until the stop.

    A change between live, catching up and stale reaches the viewers at the next check. Other changes of the
    head reach them once a second.
    """
    last_state = subscriptions.head.state
    checks = 0
    while not await stopping.wait(CHECK_S):
        progress.beat()
        checks += 1
        head = board_state.head(clock())
        if head.state is not last_state or checks % CHECKS_PER_TICK == 0:
            last_state = head.state
            subscriptions.tick()
            _update_gauges(board_state, clock())


def _update_gauges(board_state: BoardState, now_s: float) -> None:
    view = board_state.freshness.view(now_s)
    for state in FreshnessState:
        STATE.labels(state.value).set(view.state is state)
    AGE.set(view.age_s)
    if view.coverage is not None:
        COVERAGE.set(view.coverage)
    newest = board_state.freshness.newest
    if newest and newest.audit:
        DRIFT.set(newest.audit.drift)

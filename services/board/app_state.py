"""The parts of a running board that the page, the API and the stream use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from board.state.counts import BoardState
from board.state.day_growth import DayGrowth
from board.state.growth import Growth
from board.state.milestones import Milestones
from board.state.registration_rate import RegistrationRate
from board.stream.broadcaster import Broadcaster
from board.stream.shared_events import SharedEvents
from board.stream.subscriber_updates import Subscriptions


@dataclass(frozen=True)
class AppState:
    """The shown data, the open streams and two clocks.

    `clock` returns monotonic seconds; `now` returns the time of the newest register state.
    """

    board_state: BoardState
    subscriptions: Subscriptions
    broadcaster: Broadcaster
    milestones: Milestones
    registration_rate: RegistrationRate
    day_growth: DayGrowth
    growth: Growth
    clock: Callable[[], float]
    now: Callable[[], datetime]


def make_app_state(
    board_state: BoardState,
    clock: Callable[[], float],
    wall_clock: Callable[[], datetime],
    viewers_max: int,
) -> AppState:
    """Return the parts of a board that shows `board_state`, without milestones and growth.

    The board takes the current minute and day from the register's clock, not from this machine's
    `wall_clock`. Only before the first register state arrives, this machine's time is used.
    """
    milestones, rate, days = Milestones(), RegistrationRate(), DayGrowth()

    def now() -> datetime:
        newest = board_state.freshness.newest
        return newest.time if newest else wall_clock()

    growth = Growth(board_state, rate, days, now)
    events = SharedEvents(board_state, milestones, growth)
    subscriptions = Subscriptions(board_state, milestones, events, clock, viewers_max)
    broadcaster = Broadcaster(subscriptions, clock)
    return AppState(board_state, subscriptions, broadcaster, milestones, rate, days, growth, clock, now)

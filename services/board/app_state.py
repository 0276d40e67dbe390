"""The parts of a running board that the page, the API and the stream use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from board.state.counts import BoardState
from board.state.milestones import Milestones
from board.state.registration_rate import RegistrationRate
from board.stream.broadcaster import Broadcaster
from board.stream.subscriber_updates import Subscriptions


@dataclass(frozen=True)
class AppState:
    """The shown data, the open streams and two clocks.

    `clock` returns monotonic seconds; `wall_clock` returns this machine's date and time.
    """

    board_state: BoardState
    subscriptions: Subscriptions
    broadcaster: Broadcaster
    milestones: Milestones
    registration_rate: RegistrationRate
    clock: Callable[[], float]
    wall_clock: Callable[[], datetime]

    def now(self) -> datetime:
        """Return the time of the newest register state.

        The board takes the current minute and day from the register's clock, not from this machine's clock.

        Only before the first register state arrives, this machine's time is returned.
        """
        newest = self.board_state.freshness.newest
        return newest.time if newest else self.wall_clock()

"""The parts of a board that its answers are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from board.state.board_state import BoardState
from board.state.milestones import Milestones
from board.state.registration_rate import RegistrationRate
from board.stream.broadcaster import Broadcaster
from board.stream.subscriptions import Subscriptions


@dataclass(frozen=True)
class AppState:
    """What is shown, who watches, and the clocks: `clock` in monotonic seconds, `wall` for days."""

    showing: BoardState
    audience: Subscriptions
    delivery: Broadcaster
    milestones: Milestones
    minutes: RegistrationRate
    clock: Callable[[], float]
    wall: Callable[[], datetime]

    def now(self) -> datetime:
        """The register's time as last heard: minutes and days are its own; else this machine's."""
        newest = self.showing.fresh.newest
        return newest.time if newest else self.wall()

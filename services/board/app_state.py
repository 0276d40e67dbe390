"""The parts of a board that its answers are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from board.state.board_state import Showing
from board.state.milestones import Milestones
from board.state.registration_rate import Minutes
from board.stream.broadcaster import Delivery
from board.stream.subscriptions import Audience


@dataclass(frozen=True)
class Board:
    """What is shown, who watches, and the clocks: `clock` in monotonic seconds, `wall` for days."""

    showing: Showing
    audience: Audience
    delivery: Delivery
    milestones: Milestones
    minutes: Minutes
    clock: Callable[[], float]
    wall: Callable[[], datetime]

    def now(self) -> datetime:
        """The register's time as last heard: minutes and days are its own; else this machine's."""
        newest = self.showing.fresh.newest
        return newest.time if newest else self.wall()

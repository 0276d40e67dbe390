"""How fresh and how complete a cut is, from the register's own positions and the reader's own clock.

`as_of` is the time of the newest register state whose every position the cut has reached. Its age is counted
from its arrival by the reader's monotonic clock, so no two machines' clocks are compared. A dead relay shows
thus: the register's `last_sequence` moves on, the cut's positions do not, no newer state is reached, and the
age grows past `LIVE_S`. Where nobody registers either, nothing is missing; the register state then says
itself whether a relay is there.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from math import inf
from typing import Final

from cuts.records import RegisterState

LIVE_S: Final = 2.0
STALE_S: Final = 5.0
WAITING_MAX: Final = 600
"""Register states kept that no cut has reached: ten minutes of them; beyond, the oldest go."""
COVERAGE_STEPS: Final = 1_000_000
"""Coverage is cut off, never rounded up, to this many steps: 1.0 means every accepted event is counted."""


class FreshnessState(Enum):
    """What a page says of its number."""

    LIVE = "live"
    CATCHING_UP = "catching_up"
    STALE = "stale"


@dataclass(frozen=True)
class FreshnessView:
    """What is known at one moment: `as_of` and `coverage` are None until a register state was read."""

    state: FreshnessState
    as_of: datetime | None
    coverage: float | None
    age_s: float


@dataclass(frozen=True)
class _Arrived:
    state: RegisterState
    at_s: float


class Freshness:
    """Takes what was read and when (`now_s`: a monotonic clock); answers how fresh the cut is.

    `is_new` is False for records that were in the log before this reader came: they tell what was counted and
    when, but not that anybody lives now.
    """

    def __init__(self) -> None:
        self._cut_at_s = -inf
        self._register_at_s = -inf
        self._positions: tuple[int, ...] = ()
        self._quarantined_total = 0
        self._newest: RegisterState | None = None
        self._reached: _Arrived | None = None
        self._waiting: deque[_Arrived] = deque(maxlen=WAITING_MAX)

    def cut(self, positions: Sequence[int], quarantined_total: int, now_s: float, *, is_new: bool) -> None:
        """A cut was applied, or repeated by a heart-beat."""
        self._positions = tuple(positions)
        self._quarantined_total = quarantined_total
        if is_new:
            self._cut_at_s = now_s
        self._advance()

    def register_state(self, state: RegisterState, now_s: float, *, is_new: bool) -> None:
        """A register state was read. A late one of a lost lease is ignored; a new epoch forgets older ones.

        A lower term with a later time is taken: a restored database hands out its terms again.
        """
        newest = self._newest
        if newest and state.term < newest.term and state.time <= newest.time:
            return
        if newest and state.epoch != newest.epoch:
            self._waiting.clear()
        self._newest = state
        if is_new:
            self._register_at_s = now_s
        self._waiting.append(_Arrived(state, now_s if is_new else -inf))
        self._advance()

    def view(self, now_s: float) -> FreshnessView:
        """What holds at `now_s`."""
        age_s = now_s - self._reached.at_s if self._reached else inf
        return FreshnessView(
            state=self._state(age_s, now_s),
            as_of=self._reached.state.time if self._reached else None,
            coverage=self._coverage(),
            age_s=age_s,
        )

    @property
    def newest(self) -> RegisterState | None:
        """The newest register state read."""
        return self._newest

    def _state(self, age_s: float, now_s: float) -> FreshnessState:
        if now_s - min(self._cut_at_s, self._register_at_s) >= STALE_S:
            return FreshnessState.STALE
        if age_s >= LIVE_S or self._newest is None:
            return FreshnessState.CATCHING_UP
        if self._newest.refused is not None or self._newest.relay_alive is False:
            return FreshnessState.CATCHING_UP
        return FreshnessState.LIVE

    def _coverage(self) -> float | None:
        if self._newest is None or not self._positions:
            return None
        accepted = sum(self._newest.last_sequence)
        if accepted == 0:
            return 1.0
        reached = sum(map(min, self._positions, self._newest.last_sequence))
        counted = max(0, reached - self._quarantined_total)
        return counted * COVERAGE_STEPS // accepted / COVERAGE_STEPS

    def _advance(self) -> None:
        """Move `as_of` to the newest waiting register state that the cut has reached."""
        while self._waiting and _reaches(self._positions, self._waiting[0].state.last_sequence):
            self._reached = self._waiting.popleft()


def _reaches(positions: Sequence[int], last_sequence: Sequence[int]) -> bool:
    return len(positions) == len(last_sequence) and all(
        position >= last for position, last in zip(positions, last_sequence, strict=True)
    )

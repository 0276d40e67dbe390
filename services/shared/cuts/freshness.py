"""Computes how fresh and how complete a cut is, from the register's positions and the reader's own clock.

`as_of` is the time of the newest register state whose positions the cut has reached in every partition. The
age of `as_of` is measured from the arrival of that state, by the reader's monotonic clock, so that the clocks
of two machines are never compared. If the relay is dead, the register's `last_sequence` grows, but the cut's
positions do not. Then the cut reaches no newer state, and the age exceeds `LIVE_S`. If the relay is dead and
nobody registers, no event is missing; `relay_alive` in the register state shows that no relay runs.

Positions are compared only within one epoch of the register, because sequences restart with each epoch.
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
AUDIT_AGE_S_MAX: Final = 60.0
"""An older audit is no evidence for the shown counts. The alert rule AuditSilent has the same limit."""
WAITING_MAX: Final = 600
"""Maximum number of stored register states that the cut has not reached yet: those of ten minutes.

Beyond it, the oldest register state is dropped.
"""
COVERAGE_STEPS: Final = 1_000_000
"""Coverage is rounded down to a multiple of 1 / COVERAGE_STEPS, so 1.0 means that all events are counted."""


class FreshnessState(Enum):
    """How current a displayed count is."""

    LIVE = "live"
    CATCHING_UP = "catching_up"
    STALE = "stale"


@dataclass(frozen=True)
class FreshnessView:
    """The freshness at one moment.

    `as_of` is None until the cut has reached a register state. `coverage` is None until a cut and a register
    state of the same epoch have been read. `audited` is whether an audit ended at most AUDIT_AGE_S_MAX ago.
    """

    state: FreshnessState
    as_of: datetime | None
    coverage: float | None
    age_s: float
    audited: bool


@dataclass(frozen=True)
class _Arrived:
    state: RegisterState
    at_s: float


class Freshness:
    """Derives the freshness of the cut from the records read; `now_s` is the reader's monotonic clock.

    `is_new` is False for a record that was in the topic before the reader connected. The content of such a
    record is used, but its arrival does not prove that its sender is alive.
    """

    def __init__(self) -> None:
        self._cut_at_s = -inf
        self._register_at_s = -inf
        self._epoch = 1
        self._positions: tuple[int, ...] = ()
        self._quarantined_total = 0
        self._newest: RegisterState | None = None
        self._reached: _Arrived | None = None
        self._waiting: deque[_Arrived] = deque(maxlen=WAITING_MAX)

    def cut(
        self,
        positions: Sequence[int],
        quarantined_total: int,
        now_s: float,
        *,
        is_new: bool,
        epoch: int = 1,
    ) -> None:
        """Store the positions of a cut that was applied, or of the held cut when a heartbeat repeats it."""
        self._epoch = epoch
        self._positions = tuple(positions)
        self._quarantined_total = quarantined_total
        if is_new:
            self._cut_at_s = now_s
        self._advance()

    def register_state(self, state: RegisterState, now_s: float, *, is_new: bool) -> None:
        """Store a register state, unless a former leader sent it late.

        If the register's epoch has changed, the waiting states are discarded. A state with a lower term but a
        later time is accepted, because the terms of a database restored from a backup are lower than before.
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
        """Return the freshness at `now_s`."""
        age_s = now_s - self._reached.at_s if self._reached else inf
        return FreshnessView(
            state=self._state(age_s, now_s),
            as_of=self._reached.state.time if self._reached else None,
            coverage=self._coverage(),
            age_s=age_s,
            audited=self._audited(now_s),
        )

    def behind_s(self, now_s: float) -> float:
        """Return the age of the oldest register state that the cut has not reached; 0 without one."""
        return now_s - self._waiting[0].at_s if self._waiting else 0.0

    @property
    def newest(self) -> RegisterState | None:
        """The newest register state that was read; None if none was read."""
        return self._newest

    def _state(self, age_s: float, now_s: float) -> FreshnessState:
        if now_s - min(self._cut_at_s, self._register_at_s) >= STALE_S:
            return FreshnessState.STALE
        if age_s >= LIVE_S or self._newest is None:
            return FreshnessState.CATCHING_UP
        if self._newest.refused is not None or self._newest.relay_alive is False:
            return FreshnessState.CATCHING_UP
        return FreshnessState.LIVE

    def _audited(self, now_s: float) -> bool:
        audit = self._newest.audit if self._newest else None
        return audit is not None and audit.age_s + now_s - self._register_at_s <= AUDIT_AGE_S_MAX

    def _coverage(self) -> float | None:
        if self._newest is None or not self._positions or self._newest.epoch != self._epoch:
            return None
        accepted = sum(self._newest.last_sequence)
        if accepted == 0:
            return 1.0
        reached = sum(map(min, self._positions, self._newest.last_sequence))
        counted = max(0, reached - self._quarantined_total)
        return counted * COVERAGE_STEPS // accepted / COVERAGE_STEPS

    def _advance(self) -> None:
        """Move `as_of` to the newest waiting register state that the cut has reached."""
        while self._waiting and self._reaches(self._waiting[0].state):
            self._reached = self._waiting.popleft()

    def _reaches(self, state: RegisterState) -> bool:
        return (
            self._epoch == state.epoch
            and len(self._positions) == len(state.last_sequence)
            and all(
                position >= last for position, last in zip(self._positions, state.last_sequence, strict=True)
            )
        )

"""The result of a campaign: its rounds of faults and the results of its invariants."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from faults.campaign_plan import CampaignPlan
from faults.fault import Fault
from faults.invariant_result import InvariantResult


@dataclass(frozen=True)
class Round:
    """One or two faults injected at the same time, and the time until the system had recovered.

    The system has recovered when an API is ready, counting has caught up, and a board reports `live`.
    """

    faults: tuple[Fault, ...]
    kills: int
    recovered_s: float | None
    """None if the system did not recover in time."""
    began_at: datetime
    ended_at: datetime
    """The time at which the system had recovered, or the wait for it ended."""
    failed: tuple[str, ...] = ()
    """The errors of faults that could not be injected."""

    @property
    def name(self) -> str:
        """The names of the round's faults."""
        return " + ".join(fault.name for fault in self.faults)


@dataclass
class CampaignResult:
    """The rounds of a campaign and the result of each invariant."""

    plan: CampaignPlan
    rounds: list[Round]
    invariants: list[InvariantResult]
    events: int
    took_s: float
    not_tried: list[str] = field(default_factory=list)
    """The faults that this machine or this plan cannot inject, each with its reason."""

    @property
    def kills(self) -> int:
        """The number of processes killed in all rounds."""
        return sum(fault_round.kills for fault_round in self.rounds)

    @property
    def holds(self) -> bool:
        """Whether every invariant held."""
        return all(invariant.holds for invariant in self.invariants)

    def invariant(self, number: int) -> InvariantResult:
        """Return the result of the invariant with this number, from 1 to 10."""
        return next(invariant for invariant in self.invariants if invariant.number == number)

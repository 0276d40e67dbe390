"""What a campaign is to do, what it did, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from faults.fault import Fault
from faults.invariant_result import Finding


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    seconds: float
    brokers: int
    rate_per_s: float
    import_rows: int
    import_every_s: float
    seed: int
    rounds: int | None = None
    """No more rounds than this, however much time is left."""
    faults: tuple[str, ...] = ()
    """Only faults whose name holds one of these; none: every fault."""
    without: tuple[str, ...] = ()
    """No fault whose name holds one of these."""
    script: tuple[Fault, ...] = ()
    """Just these, one after another and again from the first; none: dealt by chance."""
    planted: Mapping[str, str] = field(default_factory=dict)
    """The bug that a process is to have."""
    round_s_max: float = 60.0
    """How long a round waits for recovery before the next fault."""
    settled_s_max: float = 90.0
    """How long each thing that goes on by itself is waited for at the end."""

    def takes(self, fault: Fault) -> bool:
        """Whether a fault may be dealt."""
        wanted = not self.faults or any(text in fault.name for text in self.faults)
        return wanted and not any(text in fault.name for text in self.without)


@dataclass(frozen=True)
class Round:
    """What was broken, and how long it took until counting had caught up and a board said `live`."""

    faults: tuple[Fault, ...]
    kills: int
    recovered_s: float | None
    failed: tuple[str, ...] = ()
    """Why a fault could not be inflicted."""

    @property
    def name(self) -> str:
        """The faults of the round."""
        return " + ".join(one.name for one in self.faults)


@dataclass
class Verdict:
    """What became of it all."""

    plan: Plan
    rounds: list[Round]
    findings: list[Finding]
    events: int
    took_s: float
    untried: list[str] = field(default_factory=list)
    """Faults that this machine or this plan has no room for, and why."""

    @property
    def kills(self) -> int:
        """Processes killed in all rounds."""
        return sum(one.kills for one in self.rounds)

    @property
    def holds(self) -> bool:
        """Whether every invariant held."""
        return all(finding.holds for finding in self.findings)

    def finding(self, number: int) -> Finding:
        """What was found of one invariant."""
        return next(one for one in self.findings if one.number == number)

"""The plan of a campaign: its length, its load, and the faults that it may inject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from faults.fault import Fault


@dataclass(frozen=True)
class CampaignPlan:
    """The length, the load and the choice of faults of one campaign."""

    seconds: float
    brokers: int
    rate_per_s: float
    import_rows: int
    import_every_s: float
    seed: int
    rounds_max: int | None = None
    """The campaign ends after this many rounds or after `seconds`, whichever is first. None sets no limit."""
    only: tuple[str, ...] = ()
    """The campaign injects only faults whose name contains one of these texts. If empty, it injects all."""
    without: tuple[str, ...] = ()
    """The campaign injects no fault whose name contains one of these texts."""
    script: tuple[Fault, ...] = ()
    """The campaign injects these faults in this order, repeatedly. If empty, it draws faults at random."""
    planted: Mapping[str, str] = field(default_factory=dict)
    """The name of the bug that is planted in each process, by process name."""
    round_s_max: float = 60.0
    """A round waits at most this long for recovery; then the next round begins."""
    long_outage_s: float = 180.0
    """How long a part is away in the faults that take longest."""
    settled_s_max: float = 90.0
    """At its end the campaign waits at most this long for each import, for the counts, and for deliveries.
    """

    def allows(self, fault: Fault) -> bool:
        """Whether the campaign may inject this fault."""
        is_wanted = not self.only or any(text in fault.name for text in self.only)
        return is_wanted and not any(text in fault.name for text in self.without)

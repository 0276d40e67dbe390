"""The plan of a campaign: its length, its load, and the faults it may inject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from faults.fault import Fault


@dataclass(frozen=True)
class CampaignPlan:
    """Length, load and choice of faults of one campaign."""

    seconds: float
    brokers: int
    rate_per_s: float
    import_rows: int
    import_every_s: float
    seed: int
    rounds_max: int | None = None
    """The campaign ends after this many rounds, or after `seconds`; None: no limit on rounds."""
    only: tuple[str, ...] = ()
    """Only faults whose name contains one of these texts; empty: all faults."""
    without: tuple[str, ...] = ()
    """No fault whose name contains one of these texts."""
    script: tuple[Fault, ...] = ()
    """Exactly these faults in this order, repeated; empty: drawn at random."""
    planted: Mapping[str, str] = field(default_factory=dict)
    """The planted bug of each process, by process name."""
    round_s_max: float = 60.0
    """How long a round waits for recovery before the next fault."""
    settled_s_max: float = 90.0
    """How long the end of the campaign waits for each of: imports, counts, deliveries."""

    def allows(self, fault: Fault) -> bool:
        """Whether the campaign may inject this fault."""
        is_wanted = not self.only or any(text in fault.name for text in self.only)
        return is_wanted and not any(text in fault.name for text in self.without)

"""What an invariant was found to be."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Finding:
    """One invariant: how many cases were looked at, what it saw besides, and every case that breaks it."""

    number: int
    name: str
    cases: int = 0
    notes: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether it was looked at and never broken: no cases prove nothing."""
        return self.cases > 0 and not self.violations

    def must(self, condition: bool, violation: str) -> None:
        """Count a case; keep the sentence where it breaks the invariant."""
        self.cases += 1
        if not condition:
            self.violations.append(violation)

"""The result of checking one invariant: cases, violations and notes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class InvariantResult:
    """An invariant, the number of cases in which it was checked, its violations, and notes for the report."""

    number: int
    name: str
    cases: int = 0
    notes: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the check had cases and found no violation in them. Without a case, nothing is proven."""
        return self.cases > 0 and not self.violations

    def check(self, condition: bool, violation: str) -> bool:
        """Count a case, and add `violation` if the condition is false. Return the condition."""
        self.cases += 1
        if not condition:
            self.violations.append(violation)
        return condition

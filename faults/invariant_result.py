"""The result of checking one invariant: cases, violations and notes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class InvariantResult:
    """One invariant with the number of checked cases, its violations, and figures for the report."""

    number: int
    name: str
    cases: int = 0
    notes: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether cases were checked and no violation was found. Without cases nothing is proven."""
        return self.cases > 0 and not self.violations

    def check(self, condition: bool, violation: str) -> None:
        """Count a case, and add `violation` if the condition is false."""
        self.cases += 1
        if not condition:
            self.violations.append(violation)

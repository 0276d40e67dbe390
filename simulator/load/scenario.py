"""Who is at the Fest and what they do next: a rule over what has been answered so far."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

# For every hundred who come to register, so many do something else. Made up; each kind must occur.
PER_HUNDRED: Final = {"step": 4, "move": 3, "correct": 2, "withdraw": 2, "duplicate": 4, "repeat": 1}
STEPS: Final = ("P2", "P3", "P4", "P5", "P6", "P7")


@dataclass(frozen=True, slots=True)
class Known:
    """A participant as the answers so far imply: the register must say the same.

    `key`, `at`, `first_region` and `campaign` made the registration: they make it again, word for word.
    """

    participant: str
    person: int
    region: str
    revision: int
    key: str
    at: str
    first_region: str
    campaign: str
    steps: tuple[str, ...] = ()
    standing: str = "registered"


@dataclass(frozen=True, slots=True)
class Plan:
    """One thing to do: a kind, the person, the region, and for a change whom it concerns."""

    kind: str
    person: int
    region: str
    campaign: str
    known: Known | None = None
    step: str | None = None


@dataclass(slots=True)
class Crowd:
    """Deals the next plan.

    Nobody has two plans in flight: a revision is stale, or a second registration accepted, only by a fault.
    """

    dice: random.Random
    campaign: str
    regions: Sequence[str]
    weights: Sequence[float]
    next_person: int
    _idle: list[Known] = field(default_factory=list)
    _dealt: list[str] = field(default_factory=list)

    def next(self) -> Plan:
        """What whoever just came does; those who come to change something register if nobody is free."""
        kind = self._kind()
        if kind == "register" or not self._idle:
            return self.newcomer("register", self._region(), self.campaign)
        known = self._take()
        if kind == "step":
            left = [step for step in STEPS if step not in known.steps]
            if left:
                return Plan(kind, known.person, known.region, known.campaign, known, self.dice.choice(left))
            kind = "move"
        if kind == "repeat":
            return Plan(kind, known.person, known.first_region, known.campaign, known)
        region = self._region() if kind == "move" else known.region
        if kind == "move" and region == known.region:
            kind = "correct"
        return Plan(kind, known.person, region, known.campaign, known)

    def newcomer(self, kind: str, region: str, campaign: str) -> Plan:
        """Somebody who was never here registers."""
        self.next_person += 1
        return Plan(kind, self.next_person - 1, region, campaign)

    def free(self, known: Known) -> None:
        """Whoever is settled and still registered can be dealt again."""
        if known.standing == "registered":
            self._idle.append(known)

    def _kind(self) -> str:
        throw = self.dice.random() * (100 + sum(PER_HUNDRED.values()))
        for kind, share in PER_HUNDRED.items():
            throw -= share
            if throw < 0:
                return kind
        return "register"

    def _region(self) -> str:
        if not self._dealt:
            self._dealt = self.dice.choices(self.regions, self.weights, k=1000)
        return self._dealt.pop()

    def _take(self) -> Known:
        at = self.dice.randrange(len(self._idle))
        self._idle[at], self._idle[-1] = self._idle[-1], self._idle[at]
        return self._idle.pop()

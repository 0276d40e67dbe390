"""Chooses the next action of the simulated crowd, depending on the register's answers so far."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

# Number of other actions per hundred registrations. The numbers are invented, but each kind must occur.
PER_HUNDRED: Final = {"step": 4, "move": 3, "correct": 2, "withdraw": 2, "duplicate": 4, "repeat": 1}
STEPS: Final = ("P2", "P3", "P4", "P5", "P6", "P7")


@dataclass(frozen=True, slots=True)
class KnownParticipant:
    """A participant as the register's answers so far imply; the register must have the same data.

    `key`, `at`, `first_region` and `campaign` are those of the registration, so that the simulator can repeat
    the registration exactly.
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
class PlannedAction:
    """An action to send: its kind, person and region, and for a change the participant that it changes."""

    kind: str
    person: int
    region: str
    campaign: str
    known: KnownParticipant | None = None
    step: str | None = None


@dataclass(slots=True)
class Scenario:
    """Chooses actions at random.

    No person has two actions in flight. So if the register reports a stale revision, or accepts a second
    registration of a person, this is always an error.
    """

    rng: random.Random
    campaign: str
    regions: Sequence[str]
    weights: Sequence[float]
    next_person: int
    _idle: list[KnownParticipant] = field(default_factory=list)
    _drawn: list[str] = field(default_factory=list)

    def next_action(self) -> PlannedAction:
        """Return the next action.

        It is a registration or an action of an idle participant, by chance; if no participant is idle, it is
        always a registration.
        """
        kind = self._kind()
        if kind == "register" or not self._idle:
            return self.newcomer("register", self._region(), self.campaign)
        known = self._take_idle()
        if kind == "step":
            left = [step for step in STEPS if step not in known.steps]
            if left:
                return PlannedAction(
                    kind, known.person, known.region, known.campaign, known, self.rng.choice(left)
                )
            kind = "move"
        if kind == "repeat":
            return PlannedAction(kind, known.person, known.first_region, known.campaign, known)
        region = self._region() if kind == "move" else known.region
        if kind == "move" and region == known.region:
            kind = "correct"
        return PlannedAction(kind, known.person, region, known.campaign, known)

    def newcomer(self, kind: str, region: str, campaign: str) -> PlannedAction:
        """Return the registration of a new person."""
        self.next_person += 1
        return PlannedAction(kind, self.next_person - 1, region, campaign)

    def release(self, known: KnownParticipant) -> None:
        """Allow further actions for a participant whose last action was answered.

        A participant who is no longer registered gets none.
        """
        if known.standing == "registered":
            self._idle.append(known)

    def _kind(self) -> str:
        draw = self.rng.random() * (100 + sum(PER_HUNDRED.values()))
        for kind, share in PER_HUNDRED.items():
            draw -= share
            if draw < 0:
                return kind
        return "register"

    def _region(self) -> str:
        if not self._drawn:
            self._drawn = self.rng.choices(self.regions, self.weights, k=1000)
        return self._drawn.pop()

    def _take_idle(self) -> KnownParticipant:
        at = self.rng.randrange(len(self._idle))
        self._idle[at], self._idle[-1] = self._idle[-1], self._idle[at]
        return self._idle.pop()

"""Compares stored latches with the counts of the cuts that were evaluated.

The functions do no I/O and read no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from notifier.domain.alerts import crossing_id
from notifier.domain.evaluation_progress import Version
from notifier.domain.milestones import Crossing, Cut, LatchState, RuleSet, evaluate
from notifier.domain.rules import EVER, Key


class AuditError(Enum):
    """A contradiction between records of the notifier, or between them and the cuts."""

    LATCH_MISSING = "latch_missing"
    """A threshold is reached in an evaluated cut and has no latch."""
    LATCH_UNFOUNDED = "latch_unfounded"
    """No evaluated cut had the value of a latch, or the value is below the threshold, or the id is wrong."""
    DELIVERED_WITHOUT_RECEIPT = "delivered_without_receipt"
    """A message is delivered, and none of its attempts was accepted."""
    ACCEPTED_AND_OPEN = "accepted_and_open"
    """An attempt was accepted, and the message would be sent again."""
    ATTEMPT_MISSING = "attempt_missing"
    """The attempts of a message are not numbered 1, 2, 3, …"""


@dataclass(frozen=True, slots=True)
class EvaluatedCounts:
    """The watched counts of an evaluated cut, and the highest value that each count has had in any cut."""

    version: Version
    cut: Cut
    highest: Mapping[Key, int]


@dataclass(frozen=True, slots=True)
class StoredLatch:
    """A latch with its evidence. `crossing` has what the notifier knew when it latched it."""

    id: UUID
    crossing: Crossing

    @property
    def version(self) -> Version:
        """The (term, cut) of the crossing's cut."""
        term, _, cut = self.crossing.cut.partition(".")
        return int(term), int(cut)

    @property
    def count_key(self) -> Key:
        """The key of the count that crossed the threshold."""
        return (self.crossing.scope, self.crossing.region, self.crossing.measure)


def latch_errors(
    rule_set: RuleSet, evaluated: EvaluatedCounts, latches: Iterable[StoredLatch]
) -> dict[AuditError, int]:
    """Return the number of missing and of unfounded latches.

    The latches must be read after the cut was evaluated. Latches of later cuts are not compared. Whether a
    latch is retracted is not compared either.
    """
    listed = list(latches)
    known = {latch.crossing.key: LatchState(latch.crossing.number) for latch in listed}
    missing = evaluate(rule_set, evaluated.cut, known).crossings
    unfounded = [
        latch for latch in listed if latch.version <= evaluated.version and not _is_founded(latch, evaluated)
    ]
    return {AuditError.LATCH_MISSING: len(missing), AuditError.LATCH_UNFOUNDED: len(unfounded)}


def _is_founded(latch: StoredLatch, evaluated: EvaluatedCounts) -> bool:
    crossing = latch.crossing
    is_consistent = crossing.value >= crossing.threshold and latch.id == crossing_id(crossing)
    if crossing.epoch == EVER and crossing.value != crossing.count:
        return False
    return is_consistent and crossing.count <= evaluated.highest.get(latch.count_key, 0)

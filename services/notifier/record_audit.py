"""Audits the notifier's records: latches against the evaluated cuts, and messages against their receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from notifier import metrics
from notifier.cut_evaluator import CutEvaluator
from notifier.domain.latch_audit import AuditError, EvaluatedCounts, StoredLatch, latch_errors
from notifier.domain.rules import Key
from telemetry.logs import get

AUDIT_EVERY_S: Final = 5.0

log = get()


class AuditStorePort(Protocol):
    """Reads the records that are audited."""

    async def stored_latches(self) -> Sequence[StoredLatch]:
        """Return all latches."""

    async def receipt_errors(self) -> Mapping[AuditError, int]:
        """Return the number of messages of the last day that contradict their attempts, by error."""


class RecordAudit:
    """Audits the records and reports the errors as metrics.

    The counts of cuts before the start of this process are unknown, except for peaks. Therefore the latches
    that the first audit finds count as evidence of the values that they name.
    """

    def __init__(self, evaluator: CutEvaluator, store: AuditStorePort) -> None:
        self._evaluator = evaluator
        self._store = store
        self._first_found: dict[Key, int] | None = None

    async def audit_once(self) -> Mapping[AuditError, int]:
        """Audit, and return the number of errors by kind. Do nothing while no cut is evaluated."""
        evaluated = self._evaluator.evaluated_counts()
        if evaluated is None:
            return {}
        latches = await self._store.stored_latches()
        errors = latch_errors(self._evaluator.rule_set, self._with_first_found(evaluated, latches), latches)
        errors |= await self._store.receipt_errors()
        for kind, count in errors.items():
            metrics.AUDIT_ERRORS.labels(kind.value).set(count)
        metrics.AUDIT_LAST.set_to_current_time()
        if any(errors.values()):
            log.error("audit found errors", **{kind.value: count for kind, count in errors.items() if count})
        return errors

    def _with_first_found(
        self, evaluated: EvaluatedCounts, latches: Sequence[StoredLatch]
    ) -> EvaluatedCounts:
        if self._first_found is None:
            self._first_found = {}
            for latch in latches:
                key, count = latch.count_key, latch.crossing.count
                self._first_found[key] = max(self._first_found.get(key, 0), count)
        highest = dict(self._first_found)
        for key, count in evaluated.highest.items():
            highest[key] = max(highest.get(key, 0), count)
        return EvaluatedCounts(evaluated.version, evaluated.cut, highest)

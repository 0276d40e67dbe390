"""Invariant 6 holds if the system recovers within 30 s of each fault, and is violated if it does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from faults.campaign_result import Round
from faults.fault import Fault
from faults.invariants.recovery_time import check_recovery_time


async def _nothing(*_: object) -> int:
    return 0


def _round(recovered_s: float | None, *failed: str) -> Round:
    at = datetime(2021, 10, 24, tzinfo=UTC)
    return Round((Fault("kill -9", "kill -9 worker", _nothing),), 1, recovered_s, at, at, failed)


def test_recovery_within_30_s_of_each_fault_passes() -> None:
    assert check_recovery_time([_round(0.0), _round(29.9)], 3.0, True).holds


@pytest.mark.parametrize(
    ("rounds", "last_s", "all_counted"),
    [
        ([_round(None)], 3.0, True),
        ([_round(30.1)], 3.0, True),
        ([_round(1.0)], None, True),
        ([_round(1.0)], 3.0, False),
        ([_round(1.0, "OSError: no such process")], 3.0, True),
    ],
    ids=["never", "late", "not after the last", "something uncounted", "not tried"],
)
def test_a_late_or_missing_recovery_is_a_violation(
    rounds: list[Round], last_s: float | None, all_counted: bool
) -> None:
    assert len(check_recovery_time(rounds, last_s, all_counted).violations) == 1

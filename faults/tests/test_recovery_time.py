"""Invariant 6 holds where counting caught up after each fault, and breaks where it came late or never."""

from __future__ import annotations

import pytest

from faults.fault import Fault
from faults.invariants.recovery_time import check_promptness
from faults.campaign_result import Round


async def _nothing(*_: object) -> int:
    return 0


def _round(recovered_s: float | None, *failed: str) -> Round:
    return Round((Fault("kill -9", "kill -9 worker", _nothing),), 1, recovered_s, failed)


def test_caught_up_within_30_s_each_time_holds() -> None:
    assert check_promptness([_round(0.0), _round(29.9)], 3.0, True).holds


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
def test_late_or_never_breaks_it(rounds: list[Round], last_s: float | None, all_counted: bool) -> None:
    assert len(check_promptness(rounds, last_s, all_counted).violations) == 1

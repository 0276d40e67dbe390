"""Invariant 6: counting is up to date again soon after each fault, and at the end every event is counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from faults.campaign_result import Round
from faults.invariant_result import InvariantResult

RECOVERED_S_MAX: Final = 30.0


def check_recovery_time(rounds: Sequence[Round], last_s: float | None, all_counted: bool) -> InvariantResult:
    """Check the recovery time of each round and of the end (`last_s`), and that every event was counted."""
    result = InvariantResult(6, "within 30 s of a fault, counting is less than a second behind")
    for fault_round in rounds:
        recovered_s = fault_round.recovered_s
        result.check(_is_in_time(recovered_s), f"{fault_round.name}: {_text(recovered_s)}")
        result.violations += [
            f"{fault_round.name} could not be injected: {text}" for text in fault_round.failed
        ]
    result.check(_is_in_time(last_s), f"after the last fault: {_text(last_s)}")
    result.check(all_counted, "some accepted events were not counted in the end")
    return result


def _is_in_time(recovered_s: float | None) -> bool:
    return recovered_s is not None and recovered_s <= RECOVERED_S_MAX


def _text(recovered_s: float | None) -> str:
    return "not recovered" if recovered_s is None else f"recovered after {recovered_s:.1f} s"

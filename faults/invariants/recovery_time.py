"""Invariant 6: after a fault counting is prompt again, and at the end nothing is left to be counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from faults.invariant_result import Finding
from faults.campaign_result import Round

RECOVERED_S_MAX: Final = 30.0


def check_promptness(rounds: Sequence[Round], last_s: float | None, all_counted: bool) -> Finding:
    """6: each round recovered in time, so did the system after the last (`last_s`), and all is counted."""
    finding = Finding(6, "counting is less than a second behind within 30 s of a fault")
    for one in rounds:
        finding.must(_is_prompt(one.recovered_s), f"{one.name}: {_told(one.recovered_s)}")
        finding.violations += [f"{one.name} could not be tried: {text}" for text in one.failed]
    finding.must(_is_prompt(last_s), f"after the last fault: {_told(last_s)}")
    finding.must(all_counted, "not everything accepted was counted in the end")
    return finding


def _is_prompt(recovered_s: float | None) -> bool:
    return recovered_s is not None and recovered_s <= RECOVERED_S_MAX


def _told(recovered_s: float | None) -> str:
    return "not recovered" if recovered_s is None else f"recovered after {recovered_s:.1f} s"

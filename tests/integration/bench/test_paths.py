"""Each path with little work: its contenders run and produce the same counts."""

from __future__ import annotations

import pytest

from bench.contenders import Scale
from bench.registry import find
from bench.report.results import Ledger
from bench.runner import measure

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

SAME_WORK = ("import", "relay", "board")
"""Paths in which every contender does the same amount of work."""
OWN_AMOUNT_OF_WORK = ("one API's maximum",)


@pytest.mark.parametrize("name", ["intake", "import", "relay", "latency", "alert", "board"])
async def test_every_contender_runs_and_produces_the_expected_counts(name: str) -> None:
    (path,) = find([name])
    ledger = Ledger(path)

    await measure(ledger, Scale.SMOKE, 1, lambda text: None)

    assert not ledger.failures
    if name in ledger.skipped:
        pytest.skip(ledger.skipped[name])
    (measured,) = ledger.rounds
    assert measured.keys() | ledger.skipped.keys() == {
        contender.name for contender in (path.ours, *path.rivals)
    }
    assert path.ours.name in measured
    if name in SAME_WORK:
        assert (
            len({result.events for name, result in measured.items() if name not in OWN_AMOUNT_OF_WORK}) == 1
        )

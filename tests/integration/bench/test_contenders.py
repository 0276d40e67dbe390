"""Every contender of the backlog and recovery paths runs and produces the expected counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.contenders import Path, Scale
from bench.paths import backlog, recovery
from bench.report.results import Ledger, results_of
from bench.runner import measure

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


# Both backlog paths have the same rivals, which run only once here.
@pytest.mark.parametrize(
    "path",
    [backlog.PATH, replace(backlog.COMPILED, rivals=(), goals=()), recovery.PATH],
    ids=lambda path: str(path.name),
)
async def test_every_contender_runs_and_produces_the_same_counts(path: Path) -> None:
    ledger = Ledger(path)

    await measure(ledger, Scale.SMOKE, 1, print)  # pytest shows the output if the test fails

    # A contender with wrong counts raises WrongCountsError, which is recorded as a failure.
    assert ledger.failures == []
    assert set(ledger.rounds[0]) == {path.ours.name, *(rival.name for rival in path.rivals)}
    assert len(results_of(ledger)) == len(path.goals)

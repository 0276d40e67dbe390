"""Every contender of the paths measured in this repository still runs, and gives the same counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.measurement.path_runner import measure
from bench.paths import backlog, recovery
from bench.paths.model import Path, Scale
from bench.report.results import Ledger, results_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


# The rivals of both backlogs are the same: they run once.
@pytest.mark.parametrize(
    "path",
    [backlog.PATH, replace(backlog.COMPILED, rivals=(), goals=()), recovery.PATH],
    ids=lambda path: str(path.name),
)
async def test_every_contender_runs_and_counts_what_the_others_count(path: Path) -> None:
    ledger = Ledger(path)

    await measure(ledger, Scale.SMOKE, 1, print)  # shown where the test fails

    # A contender whose counts differ from the truth raises WrongCounts, and is a failure.
    assert ledger.failures == []
    assert set(ledger.rounds[0]) == {path.ours.name, *(rival.name for rival in path.rivals)}
    assert len(results_of(ledger)) == len(path.goals)

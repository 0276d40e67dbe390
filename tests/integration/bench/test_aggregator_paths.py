"""Every contender of the aggregator's paths runs and gives the correct counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.measurement.path_runner import measure
from bench.paths import backlog, recovery
from bench.paths.path_definition import Path, Scale
from bench.report.results import PathRun, results_of

pytestmark = pytest.mark.integration


# All backlog paths have the same rivals, so all of them run only once. Two of them also read mixed events:
# one with the decoder in Python, one with the decoder in Java.
@pytest.mark.parametrize(
    "path",
    [
        backlog.PATH,
        replace(backlog.COMPILED, rivals=(), goals=()),
        replace(backlog.MIXED_PATH, rivals=backlog.MIXED_PATH.rivals[:2], goals=()),
        replace(backlog.MIXED_COMPILED, rivals=(), goals=()),
        recovery.PATH,
    ],
    ids=lambda path: str(path.name),
)
async def test_every_contender_of_an_aggregator_path_runs_and_counts_correctly(path: Path) -> None:
    path_run = PathRun(path)

    await measure(path_run, Scale.SMOKE, 1, print)  # pytest shows the printed text if the test fails

    # A contender with wrong counts raises WrongCountsError, which is a failure.
    assert path_run.failures == []
    assert set(path_run.rounds[0]) == {path.ours.name, *(rival.name for rival in path.rivals)}
    assert len(results_of(path_run)) == len(path.goals)

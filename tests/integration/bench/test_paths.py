"""Every contender of the paths that do not measure the aggregator alone runs and counts correctly."""

from __future__ import annotations

import pytest

from bench.measurement.path_runner import measure
from bench.paths.path_definition import Scale
from bench.paths.path_list import find
from bench.report.results import PathRun

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

PATHS_WITH_EQUAL_WORK = ("import", "relay", "board")
"""Paths on which each contender processes the same number of events."""
TIMED_CONTENDERS = ("one API's maximum",)
"""Contenders that run for a fixed time, so their number of events differs."""


@pytest.mark.parametrize("name", ["intake", "import", "relay", "latency", "alert", "board"])
async def test_every_contender_runs_and_gives_the_correct_counts(name: str) -> None:
    (path,) = find([name])
    path_run = PathRun(path)

    await measure(path_run, Scale.SMOKE, 1, lambda text: None)

    assert not path_run.failures
    if name in path_run.skipped:
        pytest.skip(path_run.skipped[name])
    (measurements,) = path_run.rounds
    assert measurements.keys() | path_run.skipped.keys() == {
        contender.name for contender in (path.ours, *path.rivals)
    }
    assert path.ours.name in measurements
    if name in PATHS_WITH_EQUAL_WORK:
        assert (
            len({found.events for name, found in measurements.items() if name not in TIMED_CONTENDERS}) == 1
        )

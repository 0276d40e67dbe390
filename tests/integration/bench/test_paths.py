"""Each path with as little work as shows that its contenders still run, and come to the same counts."""

from __future__ import annotations

import pytest

from bench.measurement.path_runner import measure
from bench.paths.model import Scale
from bench.paths.registry import find
from bench.report.results import Ledger

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

SAME_WORK = ("import", "relay", "board")
"""Where each contender has the same work to do, however long it takes."""
ITS_OWN_PACE = ("one API's maximum",)


@pytest.mark.parametrize("name", ["intake", "import", "relay", "latency", "alert", "board"])
async def test_every_contender_runs_and_comes_to_the_truth(name: str) -> None:
    (path,) = find([name])
    ledger = Ledger(path)

    await measure(ledger, Scale.SMOKE, 1, lambda text: None)

    assert not ledger.failures
    if name in ledger.skipped:
        pytest.skip(ledger.skipped[name])
    (measured,) = ledger.rounds
    assert measured.keys() | ledger.skipped.keys() == {one.name for one in (path.ours, *path.rivals)}
    assert path.ours.name in measured
    if name in SAME_WORK:
        assert len({one.events for who, one in measured.items() if who not in ITS_OWN_PACE}) == 1

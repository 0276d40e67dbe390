from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bench.measurement.path_runner import measure
from bench.paths.model import Contender, Goal, Measured, Scale
from bench.report.results import Ledger, results_of
from tests.support.samples.contenders import contender, path, ran


@pytest.fixture(autouse=True)
def nobody_ran() -> Iterator[None]:
    ran.clear()
    yield
    ran.clear()


async def test_contenders_take_turns_and_every_second_round_runs_backwards() -> None:
    ledger = Ledger(path(contender("a", 1.0), contender("b", 1.0)))

    await measure(ledger, Scale.SMOKE, 2, lambda _: None)

    assert ran == ["ours", "a", "b", "b", "a", "ours"]


async def test_one_that_fails_is_named_and_costs_the_others_nothing() -> None:
    def fail(_: object) -> Measured:
        raise RuntimeError("no such thing")

    goals = (Goal("rate", "broken", 1), Goal("rate", "sound", 1))
    ledger = Ledger(path(Contender("broken", fail), contender("sound", 50.0), goals=goals))

    await measure(ledger, Scale.SMOKE, 1, lambda _: None)

    assert ledger.failures == ["road, broken: RuntimeError: no such thing"]
    assert [(one.rival, one.ratio.median) for one in results_of(ledger)] == [("sound: rate", 2.0)]


async def test_what_was_measured_before_a_stop_is_kept() -> None:
    async def never(_: object) -> Measured:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError("never")

    reached = asyncio.Event()
    ledger = Ledger(path(contender("a", 20.0), Contender("slow", never), goals=(Goal("rate", "a", 1),)))

    measuring = asyncio.ensure_future(measure(ledger, Scale.SMOKE, 5, lambda _: None))
    await asyncio.wait_for(reached.wait(), 5)
    measuring.cancel()
    await asyncio.gather(measuring, return_exceptions=True)

    assert [one.ratio.median for one in results_of(ledger)] == [5.0]

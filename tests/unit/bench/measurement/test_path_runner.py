from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bench.measurement.path_runner import measure
from bench.paths.path_definition import Contender, Goal, Measurement, Scale
from bench.report.results import PathRun, results_of
from tests.support.samples.bench_path import contender, path, ran


@pytest.fixture(autouse=True)
def empty_run_list() -> Iterator[None]:
    ran.clear()
    yield
    ran.clear()


async def test_contenders_alternate_and_every_second_round_is_reversed() -> None:
    path_run = PathRun(path(contender("a", 1.0), contender("b", 1.0)))

    await measure(path_run, Scale.SMOKE, 2, lambda _: None)

    assert ran == ["ours", "a", "b", "b", "a", "ours"]


async def test_a_failed_contender_is_named_and_the_others_keep_their_figures() -> None:
    def fail(_: object) -> Measurement:
        raise RuntimeError("no such thing")

    goals = (Goal("rate", "broken", 1), Goal("rate", "sound", 1))
    path_run = PathRun(path(Contender("broken", fail), contender("sound", 50.0), goals=goals))

    await measure(path_run, Scale.SMOKE, 1, lambda _: None)

    assert path_run.failures == ["road, broken: RuntimeError: no such thing"]
    assert [(result.rival, result.ratio.median) for result in results_of(path_run)] == [("sound: rate", 2.0)]


async def test_measurements_before_a_cancellation_are_kept() -> None:
    async def never(_: object) -> Measurement:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError("never")

    reached = asyncio.Event()
    path_run = PathRun(path(contender("a", 20.0), Contender("slow", never), goals=(Goal("rate", "a", 1),)))

    measuring = asyncio.ensure_future(measure(path_run, Scale.SMOKE, 5, lambda _: None))
    await asyncio.wait_for(reached.wait(), 30)
    measuring.cancel()
    await asyncio.gather(measuring, return_exceptions=True)

    assert [result.ratio.median for result in results_of(path_run)] == [5.0]

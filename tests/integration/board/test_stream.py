"""Tests what a board's stream sends besides counts: pings, resets, the pace and the list of milestones."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.board.input_topic_writer import TopicWriter, minutes_ago
from tests.support.board.processes import BoardProcess, Viewer, open_stream
from tests.support.deadlines import until

pytestmark = pytest.mark.integration

GAMBIR = "31.71.01.1001"


async def test_a_viewer_with_a_cut_that_the_topics_do_not_have_is_reset(
    board: BoardProcess, source: TopicWriter
) -> None:
    source.register(GAMBIR, 2)
    await source.full()
    await source.milestone("31", 1)
    await until(partial(has_milestone, board), name="the board has read the milestone")
    async with source.publishing(), open_stream(board, last="9.1") as viewer:
        await until(lambda: viewer.last("ping"), 4, name="a ping arrived")
        before = {event.name for event in viewer.events}
        await until(lambda: viewer.last("pace"), 15, name="the viewer is reset")

    assert before == {"ping"}
    assert [event.name for event in viewer.events if event.name != "ping"][:4] == [
        "reset",
        "snapshot",
        "milestones",
        "pace",
    ]
    assert (viewer.count(), set(viewer.ids)) == (2, {(7, 1)})


async def has_milestone(board: BoardProcess) -> bool:
    return bool((await board.http.get("/v1/milestones")).json()["milestones"])


async def test_a_viewer_of_a_board_without_a_cut_is_sent_pings(board: BoardProcess) -> None:
    async with open_stream(board) as viewer:
        await until(lambda: len(viewer.events) >= 3, 7, name="three pings arrived")

    assert {event.name for event in viewer.events} == {"ping"}


async def test_the_pace_and_the_newest_milestones_come_over_the_stream(
    board: BoardProcess, source: TopicWriter
) -> None:
    source.register(GAMBIR, 20)
    await source.full()
    await source.milestone("31", 10)
    await source.minute(minutes_ago(1), {"31": 7})
    await until(lambda: board.shows(20), name="the board shows 20")

    async with open_stream(board) as viewer:
        await until(lambda: _thresholds(viewer) == [10], name="the list of milestones arrived")
        await source.milestone("31", 20, 2)
        await until(lambda: _thresholds(viewer) == [20, 10], name="the next list arrived")
        await source.minute(minutes_ago(1), {"31": 11})
        await until(lambda: _has_growth(viewer, 11), name="the changed pace arrived")

    pace = viewer.last("pace")
    assert pace
    assert (pace.data["region"], len(pace.data["minutes"]), pace.id) == ("31", 60, "7.1")


def _thresholds(viewer: Viewer) -> list[int]:
    event = viewer.last("milestones")
    return [milestone["threshold"] for milestone in event.data["milestones"]] if event else []


def _has_growth(viewer: Viewer, growth: int) -> bool:
    event = viewer.last("pace")
    return event is not None and growth in [count for _, count in event.data["minutes"]]

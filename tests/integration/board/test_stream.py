"""Tests what a board's stream sends besides counts: pings, resets, the pace and the list of milestones."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.board.input_topic_writer import TopicWriter, minutes_ago
from tests.support.board.processes import BoardProcess, Viewer, open_stream
from tests.support.deadlines import until
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

GAMBIR = "31.71.01.1001"


async def test_a_viewer_with_a_cut_that_the_topics_do_not_have_is_reset(
    board: BoardProcess, source: TopicWriter
) -> None:
    source.register(GAMBIR, 2)
    await source.full()
    await source.milestone("31", 1)
    await until(partial(has_milestone, board), name="the board has read the milestone")
    async with source.publishing():
        await until(partial(is_live, board), name="the board is live")  # a change of state is an event, too
        async with open_stream(board, last="9.1") as viewer:
            await until(lambda: viewer.last("pace"), name="the viewer is reset")

    names = [event.name for event in viewer.events]
    reset = names.index("reset")
    assert set(names[:reset]) == {"ping"}
    assert [name for name in names[reset:] if name != "ping"][:4] == [
        "reset",
        "snapshot",
        "milestones",
        "pace",
    ]
    assert (viewer.count(), set(viewer.ids)) == (2, {(7, 1)})


async def is_live(board: BoardProcess) -> bool:
    return await board.state() == "live"


async def has_milestone(board: BoardProcess) -> bool:
    return bool((await board.http.get("/v1/milestones")).json()["milestones"])


async def test_a_viewer_of_a_board_without_a_cut_is_sent_pings(board: BoardProcess) -> None:
    async with open_stream(board) as viewer:
        await until(lambda: len(viewer.events) >= 3, name="three pings arrived")

    assert {event.name for event in viewer.events} == {"ping"}


async def test_milestones_already_in_the_topic_reach_connected_viewers(
    board: BoardProcess, topics: Topics, source: TopicWriter
) -> None:
    source.register(GAMBIR, 20)
    await source.full()
    assert await board.stop() == 0
    async with topics.administration() as admin:
        await admin.delete_topics([topics.name("milestones")])
    await board.start()
    await until(lambda: board.shows(20), name="the board shows 20")

    async with open_stream(board) as viewer:
        await until(lambda: viewer.count() == 20, name="the snapshot arrived")
        await topics.create()
        await source.milestone("31.71", 10)
        await source.milestone("31", 20, 2)
        await until(lambda: viewer.milestone_thresholds() == [10, 20], name="both milestones arrived")


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

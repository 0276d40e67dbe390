"""Tests the list of milestones and the pace that viewers are sent, and that viewers share the bytes."""

from __future__ import annotations

from datetime import timedelta

from board.state.milestones import NEWEST_SHOWN, SENT_MAX
from board.state.next_threshold import MilestoneRule, MilestoneRules
from board.stream.subscriber_updates import PACE_TICKS
from tests.support.samples.board_fixture import NOW, BoardFixture, parse
from tests.support.samples.cuts import row


def test_a_new_stream_has_the_newest_milestones_and_the_pace() -> None:
    board = BoardFixture()
    for number in range(NEWEST_SHOWN + 2):
        board.cross(10 + number, number)
    board.start_day(2)
    board.full(1, 5)

    events = board.all_events(board.subscriptions.add("all", "city", (1, 1)))

    assert [event.name for event in events] == ["state", "milestones", "pace"]
    assert [listed["threshold"] for listed in events[1].data["milestones"]] == [16, 15, 14, 13, 12]
    assert events[0].data["growth"]["today"] == 3
    assert (events[2].data["region"], len(events[2].data["minutes"])) == ("31", 60)


def test_the_count_and_its_growth_are_sent_together_and_are_of_one_cut() -> None:
    board = BoardFixture()
    board.start_day(2)
    board.full(1, 5)
    viewer = board.subscriptions.add("all", "city", None)
    sent = board.events(viewer)

    for cut in range(2, 8):
        board.change(cut, 5 * cut)
        sent += board.events(viewer)

    counted = [event for event in sent if "rows" in event.data]
    assert [event.counts["31"] for event in counted] == [5, *range(10, 40, 5)]
    assert [event.data["growth"]["today"] for event in counted] == [
        event.counts["31"] - 2 for event in counted
    ]
    assert [event.data["cut"] for event in counted] == [event.id for event in counted]


def test_stock_is_named_and_is_neither_growth_of_the_day_nor_in_the_way_of_the_next_milestone() -> None:
    board = BoardFixture()
    board.board_state.rules = MilestoneRules(
        (MilestoneRule("all", "registered", "ever", regions=("31",), every=10),)
    )
    board.start_day(2)
    board.full(1, rows=(row("31", 25), row("31", 20, "stock")))

    (event,) = [
        event for event in board.events(board.subscriptions.add("all", "city", None)) if "rows" in event.data
    ]

    growth = event.data["growth"]
    assert (growth["stock"], growth["today"], growth["next"]) == (20, 3, 30)


def test_the_pace_names_its_window_its_end_and_the_cut_kept_then() -> None:
    board = BoardFixture()
    for back in range(5):
        board.grow(60, back)
    board.full(1, 5)

    growth = board.events(board.subscriptions.add("all", "city", None))[0].data["growth"]

    assert growth["pace"] == {
        "per_minute": 60.0,
        "minutes": 5,
        "until": "2021-10-24T12:05:00Z",
        "cut": "7.100",
    }
    assert (growth["next"], growth["forecast"]) == (None, None), "no rules are published"


def test_however_many_milestones_arrive_the_list_has_the_newest() -> None:
    board = BoardFixture()
    board.full(1, 5)
    viewer = board.subscriptions.add("all", "city", None)
    board.all_events(viewer)

    board.cross(10, 1, crossed_at=NOW + timedelta(seconds=1))
    for number in range(SENT_MAX + 1):
        board.cross(20 + number, 2 + number, state="retracted")
    board.cross(10, 1, scope="campaign:fest", id="of-another-scope")
    events = board.all_events(viewer)
    board.cross(11, 2, scope="campaign:fest")

    assert [event.name for event in events] == ["milestone"] * SENT_MAX + ["milestones"]
    assert events[-1].data["milestones"][0]["threshold"] == 10
    assert board.all_events(viewer) == []


def test_a_changed_pace_is_sent_again_after_some_ticks_and_an_unchanged_pace_is_not() -> None:
    board = BoardFixture()
    board.full(1, 5)
    viewer = board.subscriptions.add("all", "city", None)
    other = board.subscriptions.add("all", "province", None)
    board.all_events(viewer)
    board.all_events(other)

    board.grow(4)
    sent = [[event.name for event in board.tick(viewer, receives=False)] for _ in range(2 * PACE_TICKS)]
    shared = board.subscriptions.next_bytes(other)
    board.subscriptions.next_bytes(viewer)

    assert [tick for tick, names in enumerate(sent, 1) if "pace" in names] == [PACE_TICKS]
    assert b"event: pace" in shared


def test_viewers_share_the_bytes_of_several_events() -> None:
    board = BoardFixture()
    board.cross(1, 1)
    board.full(1, 5)

    first = board.subscriptions.next_bytes(board.subscriptions.add("all", "city", None))
    second = board.subscriptions.next_bytes(board.subscriptions.add("all", "city", None))

    assert [event.name for event in parse(first)] == ["snapshot", "milestones", "pace"]
    assert first is second

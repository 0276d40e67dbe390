"""Tests which events a viewer is sent, and when."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from board.state.counts import VERSIONS_KEPT_S
from board.stream.sse_events import PING
from board.stream.subscriber_updates import RESET_TICKS, SILENT_TICKS_MAX, Subscriber
from tests.support.samples.board_fixture import BoardFixture
from tests.support.samples.cuts import row


def test_a_new_viewer_gets_a_snapshot_of_every_known_region() -> None:
    board = BoardFixture()
    board.full(1, 5)

    (event,) = board.events(board.subscriptions.add("all", "city", None))

    assert (event.name, event.id) == ("snapshot", "1.1")
    assert event.counts == {"31": 5, "31.71": 5, "31.72": 0}
    assert event.data["rows"][1]["target"] == 30_000


def test_a_viewer_gets_each_change_once_as_a_delta_with_the_changed_rows() -> None:
    board = BoardFixture()
    board.full(1, 5)
    viewer = board.subscriptions.add("all", "subdistrict", None)
    board.subscriptions.next_bytes(viewer)

    board.change(2, 6, rows=(row("31", 6),))
    (event,) = board.events(viewer)

    assert (event.name, event.id, event.counts) == ("delta", "1.2", {"31": 6})
    assert board.subscriptions.next_bytes(viewer) == b""


def test_a_slow_viewer_gets_everything_it_missed_in_one_delta() -> None:
    board = BoardFixture()
    board.full(1, 5)
    viewer = board.subscriptions.add("all", "city", None)
    board.subscriptions.next_bytes(viewer)

    board.change(2, 6, rows=(row("31", 6), row("31.72", 1)))
    board.change(3, 7)
    board.change(4, 8)
    (event,) = board.events(viewer)

    assert (event.name, event.id) == ("delta", "1.4")
    assert event.counts == {"31": 8, "31.71": 8, "31.72": 1}


def test_viewers_with_the_same_progress_share_the_bytes() -> None:
    board = BoardFixture()
    board.full(1, 5)

    first = board.subscriptions.next_bytes(board.subscriptions.add("all", "city", None))
    second = board.subscriptions.next_bytes(board.subscriptions.add("all", "city", None))

    assert first is second


def test_a_returning_viewer_gets_one_delta_since_its_last_id() -> None:
    board = BoardFixture()
    board.full(1, 5)
    board.change(2, 6)
    board.change(3, 7, rows=(row("31", 7),))

    (event,) = board.events(board.subscriptions.add("all", "city", (1, 2)))

    assert (event.name, event.id, event.counts) == ("delta", "1.3", {"31": 7})


def test_a_returning_viewer_that_has_the_newest_cut_gets_only_its_state() -> None:
    board = BoardFixture()
    board.full(1, 5)

    (event,) = board.events(board.subscriptions.add("all", "city", (1, 1)))

    assert (event.name, event.id) == ("state", "1.1")
    assert "rows" not in event.data


def test_a_viewer_ahead_of_this_replica_gets_only_pings_until_the_replica_has_caught_up() -> None:
    board = BoardFixture()
    board.full(1, 5)
    viewer = board.subscriptions.add("all", "city", (1, 3))

    board.change(2, 6)
    behind = board.subscriptions.next_bytes(viewer)
    repeated = board.subscriptions.next_bytes(viewer)
    board.change(3, 7)
    caught_up = board.events(viewer)
    board.change(4, 8)
    (further,) = board.events(viewer)

    assert (behind, repeated) == (PING, b"")
    assert [event.name for event in caught_up] == ["state"]
    assert (further.name, further.id) == ("delta", "1.4")


def test_a_viewer_ahead_of_a_board_that_receives_records_is_reset_to_what_the_board_has() -> None:
    board = BoardFixture()
    board.full(1, 5)
    board.cross(5, 1)
    viewer = board.subscriptions.add("all", "city", (9, 3))

    before = [board.tick(viewer, receives=True) for _ in range(RESET_TICKS)]
    after = board.tick(viewer, receives=True)
    board.change(2, 6)
    (further,) = board.events(viewer)

    assert {event.name for events in before for event in events} == {"ping"}
    assert [event.name for event in after] == ["reset", "snapshot", "milestones", "pace"]
    assert {event.id for event in after} == {"1.1"}
    assert (further.name, further.id) == ("delta", "1.2")


def test_a_viewer_ahead_of_a_board_that_receives_no_records_is_not_reset() -> None:
    board = BoardFixture()
    board.full(1, 5)
    viewer = board.subscriptions.add("all", "city", (9, 3))

    stale = [board.tick(viewer, receives=False) for _ in range(3 * RESET_TICKS)]
    receiving = [board.tick(viewer, receives=True) for _ in range(RESET_TICKS - 1)]

    assert {event.name for events in stale + receiving for event in events} == {"ping"}


def test_a_replica_that_skipped_the_viewers_cut_sends_a_snapshot() -> None:
    board = BoardFixture()
    board.full(1, 5)
    viewer = board.subscriptions.add("all", "city", (1, 3))

    board.full(9, 9)
    (event,) = board.events(viewer)

    assert (event.name, event.id) == ("snapshot", "1.9")


def test_a_last_event_id_older_than_ten_minutes_gets_a_snapshot() -> None:
    board = BoardFixture()
    board.full(1, 5)
    board.change(2, 6)
    board.clock.now_s += VERSIONS_KEPT_S + 1
    board.change(3, 7)
    board.change(4, 8)

    (event,) = board.events(board.subscriptions.add("all", "city", (1, 1)))

    assert event.name == "snapshot"


def test_cuts_of_a_lower_term_are_sent_to_no_viewer() -> None:
    board = BoardFixture()
    board.full(5, 5, term=2)
    viewer = board.subscriptions.add("all", "city", None)
    board.subscriptions.next_bytes(viewer)

    board.full(900, 900, term=1)

    assert board.subscriptions.next_bytes(viewer) == b""


def test_counts_corrected_under_the_same_cut_are_sent_under_the_same_id() -> None:
    board = BoardFixture()
    board.full(1, 5)
    viewer = board.subscriptions.add("all", "city", None)
    board.subscriptions.next_bytes(viewer)

    board.full(1, 6)
    (event,) = board.events(viewer)
    (returning, *_) = board.events(board.subscriptions.add("all", "city", (1, 1)))

    assert (event.name, event.id, event.counts) == ("delta", "1.1", {"31": 6, "31.71": 6})
    assert returning.counts == {"31": 6, "31.71": 6}


def test_a_milestone_is_sent_once_and_after_the_count_that_reached_it() -> None:
    board = BoardFixture()
    board.cross(1, 1)
    board.full(1, 5)
    viewer = board.subscriptions.add("all", "city", None)
    board.subscriptions.next_bytes(viewer)

    board.change(2, 10)
    board.cross(10, 2)
    board.cross(20, 3, scope="campaign:fest")
    events = board.events(viewer)

    assert [(event.name, event.id) for event in events] == [("delta", "1.2"), ("milestone", "1.2")]
    assert events[1].data["threshold"] == 10
    assert board.subscriptions.next_bytes(viewer) == b""


def test_viewers_that_lack_the_same_milestones_share_the_bytes() -> None:
    board = BoardFixture()
    board.full(1, 5)
    first, second, late = (board.subscriptions.add("all", "city", None) for _ in range(3))
    for viewer in (first, second, late):
        board.subscriptions.next_bytes(viewer)

    board.cross(10, 1)
    of_first = board.subscriptions.next_bytes(first)
    of_second = board.subscriptions.next_bytes(second)
    board.cross(20, 2)
    of_late = [event.data["threshold"] for event in board.events(late)]

    assert of_first is of_second
    assert [event.data["threshold"] for event in board.events(first)] == [20]
    assert of_late == [10, 20]


def test_viewers_are_sent_the_state_stale_when_time_alone_has_caused_it() -> None:
    board = BoardFixture()
    board.register(0, 1)
    board.full(1, 5)
    viewer = board.subscriptions.add("all", "city", None)
    (first,) = board.events(viewer)

    board.clock.now_s += 5
    board.subscriptions.tick()
    (event,) = board.events(viewer)

    assert (first.data["state"], event.data["state"]) == ("live", "stale")
    assert event.data["cut"] == "1.1"


def test_a_viewer_that_was_just_sent_rows_gets_an_otherwise_changed_head_one_tick_later() -> None:
    board = BoardFixture()
    board.register(0, 1)
    board.full(1, 5)
    fed = board.subscriptions.add("all", "city", None)
    idle = board.subscriptions.add("campaign:fest", "city", None)
    board.events(fed)
    board.events(idle)
    board.subscriptions.tick()
    board.subscriptions.next_bytes(idle)

    board.change(2, 6)
    board.events(fed)
    board.register(1, 9)
    board.subscriptions.tick()
    at_once = (board.subscriptions.next_bytes(fed), [event.name for event in board.events(idle)])
    board.subscriptions.tick()
    (later,) = board.events(fed)

    assert at_once == (b"", ["state"])
    assert (later.name, later.data["coverage"]) == ("state", board.subscriptions.head.coverage)


def test_a_viewer_gets_only_changes_of_its_scope() -> None:
    board = BoardFixture()
    board.full(1, 5, rows=(row("31", 5), row("31", 2, scope="campaign:fest")))
    viewer = board.subscriptions.add("campaign:fest", "province", None)
    (snapshot,) = board.events(viewer)

    board.change(2, 6)

    assert snapshot.counts == {"31": 2}
    assert board.subscriptions.next_bytes(viewer) == b""


def test_a_viewer_gets_only_pings_before_the_first_cut() -> None:
    board = BoardFixture()
    viewer = board.subscriptions.add("all", "city", None)

    before = board.subscriptions.next_bytes(viewer)
    board.full(1, 5)

    assert before == PING
    assert [event.name for event in board.events(viewer)] == ["snapshot"]


@settings(max_examples=300)
@given(random=st.randoms(use_true_random=False))
def test_every_viewer_is_sent_something_at_least_every_three_ticks(random: Random) -> None:
    board = BoardFixture()
    viewers: dict[Subscriber, int] = {}
    for cut in range(1, 30):
        if random.random() < 0.3:
            ahead = (1, cut + random.randint(0, 5)) if random.random() < 0.5 else None
            viewers[board.subscriptions.add(random.choice(("all", "campaign:fest")), "city", ahead)] = 0
        if random.random() < 0.4:
            board.full(cut, cut)
        if random.random() < 0.2:
            board.cross(cut, cut)

        for viewer in viewers:
            viewers[viewer] = 0 if board.subscriptions.next_bytes(viewer) else viewers[viewer]
        board.clock.now_s += 1
        board.subscriptions.tick()
        for viewer in viewers:
            viewers[viewer] = 0 if board.subscriptions.next_bytes(viewer) else viewers[viewer] + 1

        assert max(viewers.values(), default=0) < SILENT_TICKS_MAX + 1


def test_no_viewer_is_accepted_at_the_limit_or_after_closing() -> None:
    board = BoardFixture(viewers_max=1)

    empty = board.subscriptions.full
    board.subscriptions.add("all", "city", None)
    with_one = board.subscriptions.full
    board.subscriptions.remove()
    board.subscriptions.close()

    assert (empty, with_one, board.subscriptions.full) == (False, True, True)


@settings(max_examples=300)
@given(random=st.randoms(use_true_random=False))
def test_whenever_a_viewer_reads_it_has_the_shown_counts_and_no_lower_id(
    random: Random,
) -> None:
    board = BoardFixture()
    board.full(1, 1)
    received: dict[str, int] = {}
    last: tuple[int, int] | None = None
    viewer = board.subscriptions.add("all", "subdistrict", None)
    for cut in range(2, random.randint(3, 9)):
        city = random.choice(("31.71", "31.72"))
        board.change(cut, cut, rows=(row("31", cut), row(city, random.randint(0, 3))))
        if random.random() < 0.3:
            board.subscriptions.remove()
            viewer = board.subscriptions.add("all", "subdistrict", last)
        if random.random() < 0.5:
            continue

        for event in board.events(viewer):
            version = (int(event.id.split(".")[0]), int(event.id.split(".")[1]))
            assert last is None or version >= last
            last = version
            if event.name == "snapshot":
                received.clear()
            received.update(event.counts if event.name in ("snapshot", "delta") else {})

        assert received == {
            region.code: board.board_state.count("all", region.code) for region in board.board_state.regions
        }

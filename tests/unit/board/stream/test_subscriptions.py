"""What a viewer is sent, and when."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from board.state.board_state import VERSIONS_KEPT_S
from board.stream.sse_events import PING
from tests.support.samples.boards import Show
from tests.support.samples.cuts import row


def test_a_new_viewer_gets_a_snapshot_of_every_known_region() -> None:
    show = Show()
    show.full(1, 5)

    (event,) = show.events(show.audience.enter("all", "city", None))

    assert (event.name, event.id) == ("snapshot", "1.1")
    assert event.counts == {"31": 5, "31.71": 5, "31.72": 0}
    assert event.data["rows"][1]["target"] == 30_000


def test_a_viewer_gets_each_change_once_as_a_delta_of_the_rows_that_moved() -> None:
    show = Show()
    show.full(1, 5)
    viewer = show.audience.enter("all", "subdistrict", None)
    show.audience.take(viewer)

    show.change(2, 6, rows=(row("31", 6),))
    (event,) = show.events(viewer)

    assert (event.name, event.id, event.counts) == ("delta", "1.2", {"31": 6})
    assert show.audience.take(viewer) == b""


def test_a_slow_viewer_gets_the_newest_in_one_delta_over_all_it_missed() -> None:
    show = Show()
    show.full(1, 5)
    viewer = show.audience.enter("all", "city", None)
    show.audience.take(viewer)

    show.change(2, 6, rows=(row("31", 6), row("31.72", 1)))
    show.change(3, 7)
    show.change(4, 8)
    (event,) = show.events(viewer)

    assert (event.name, event.id) == ("delta", "1.4")
    assert event.counts == {"31": 8, "31.71": 8, "31.72": 1}


def test_viewers_who_are_equally_far_share_the_bytes() -> None:
    show = Show()
    show.full(1, 5)

    first = show.audience.take(show.audience.enter("all", "city", None))
    second = show.audience.take(show.audience.enter("all", "city", None))

    assert first is second


def test_a_returning_viewer_gets_one_delta_since_its_last_id() -> None:
    show = Show()
    show.full(1, 5)
    show.change(2, 6)
    show.change(3, 7, rows=(row("31", 7),))

    (event,) = show.events(show.audience.enter("all", "city", (1, 2)))

    assert (event.name, event.id, event.counts) == ("delta", "1.3", {"31": 7})


def test_a_returning_viewer_that_has_the_newest_cut_gets_only_its_state() -> None:
    show = Show()
    show.full(1, 5)

    (event,) = show.events(show.audience.enter("all", "city", (1, 1)))

    assert (event.name, event.id) == ("state", "1.1")
    assert "rows" not in event.data


def test_a_viewer_ahead_of_this_replica_hears_nothing_but_pings_until_it_catches_up() -> None:
    show = Show()
    show.full(1, 5)
    viewer = show.audience.enter("all", "city", (1, 3))

    show.change(2, 6)
    behind = show.audience.take(viewer)
    show.audience.ping()
    ping = show.audience.take(viewer)
    show.change(3, 7)
    reached = show.events(viewer)
    show.change(4, 8)
    (further,) = show.events(viewer)

    assert (behind, ping) == (b"", PING)
    assert [event.name for event in reached] == ["state"]
    assert (further.name, further.id) == ("delta", "1.4")


def test_a_replica_that_jumped_over_the_viewers_id_sends_a_snapshot() -> None:
    show = Show()
    show.full(1, 5)
    viewer = show.audience.enter("all", "city", (1, 3))

    show.full(9, 9)
    (event,) = show.events(viewer)

    assert (event.name, event.id) == ("snapshot", "1.9")


def test_an_id_older_than_ten_minutes_gets_a_snapshot() -> None:
    show = Show()
    show.full(1, 5)
    show.change(2, 6)
    show.clock.now_s += VERSIONS_KEPT_S + 1
    show.change(3, 7)
    show.change(4, 8)

    (event,) = show.events(show.audience.enter("all", "city", (1, 1)))

    assert event.name == "snapshot"


def test_a_late_publisher_reaches_no_viewer() -> None:
    show = Show()
    show.full(5, 5, term=2)
    viewer = show.audience.enter("all", "city", None)
    show.audience.take(viewer)

    show.full(900, 900, term=1)

    assert show.audience.take(viewer) == b""


def test_counts_corrected_under_the_same_cut_are_sent_under_the_same_id() -> None:
    show = Show()
    show.full(1, 5)
    viewer = show.audience.enter("all", "city", None)
    show.audience.take(viewer)

    show.full(1, 6)
    (event,) = show.events(viewer)
    (returning, *_) = show.events(show.audience.enter("all", "city", (1, 1)))

    assert (event.name, event.id, event.counts) == ("delta", "1.1", {"31": 6, "31.71": 6})
    assert returning.counts == {"31": 6, "31.71": 6}


def test_a_viewer_hears_of_a_milestone_after_the_count_that_reached_it_and_once() -> None:
    show = Show()
    show.cross(1, 1)
    show.full(1, 5)
    viewer = show.audience.enter("all", "city", None)
    show.audience.take(viewer)

    show.change(2, 10)
    show.cross(10, 2)
    show.cross(20, 3, scope="campaign:fest")
    events = show.events(viewer)

    assert [(event.name, event.id) for event in events] == [("delta", "1.2"), ("milestone", "1.2")]
    assert events[1].data["threshold"] == 10
    assert show.audience.take(viewer) == b""


def test_viewers_who_miss_the_same_milestones_are_sent_the_same_bytes() -> None:
    show = Show()
    show.full(1, 5)
    first, second, late = (show.audience.enter("all", "city", None) for _ in range(3))
    for viewer in (first, second, late):
        show.audience.take(viewer)

    show.cross(10, 1)
    told = show.audience.take(first)
    shared = show.audience.take(second)
    show.cross(20, 2)
    of_both = [event.data["threshold"] for event in show.events(late)]

    assert told is shared
    assert [event.data["threshold"] for event in show.events(first)] == [20]
    assert of_both == [10, 20]


def test_time_alone_makes_the_number_stale_and_viewers_are_told() -> None:
    show = Show()
    show.register(0, 1)
    show.full(1, 5)
    viewer = show.audience.enter("all", "city", None)
    (first,) = show.events(viewer)

    show.clock.now_s += 5
    show.audience.tick()
    (event,) = show.events(viewer)

    assert (first.data["state"], event.data["state"]) == ("live", "stale")
    assert event.data["cut"] == "1.1"


def test_a_viewer_that_was_just_sent_rows_is_told_the_rest_of_the_head_a_tick_later() -> None:
    show = Show()
    show.register(0, 1)
    show.full(1, 5)
    fed = show.audience.enter("all", "city", None)
    idle = show.audience.enter("campaign:fest", "city", None)
    show.events(fed)
    show.events(idle)
    show.audience.tick()
    show.audience.take(idle)

    show.change(2, 6)
    show.events(fed)
    show.register(1, 9)
    show.audience.tick()
    at_once = (show.audience.take(fed), [event.name for event in show.events(idle)])
    show.audience.tick()
    (later,) = show.events(fed)

    assert at_once == (b"", ["state"])
    assert (later.name, later.data["coverage"]) == ("state", show.audience.head.coverage)


def test_a_scope_sees_only_its_own_changes() -> None:
    show = Show()
    show.full(1, 5, rows=(row("31", 5), row("31", 2, scope="campaign:fest")))
    viewer = show.audience.enter("campaign:fest", "province", None)
    (snapshot,) = show.events(viewer)

    show.change(2, 6)

    assert snapshot.counts == {"31": 2}
    assert show.audience.take(viewer) == b""


def test_before_the_first_cut_a_viewer_waits() -> None:
    show = Show()
    viewer = show.audience.enter("all", "city", None)

    before = show.audience.take(viewer)
    show.full(1, 5)

    assert before == b""
    assert [event.name for event in show.events(viewer)] == ["snapshot"]


def test_above_the_limit_and_after_closing_nobody_is_let_in() -> None:
    show = Show(viewers_max=1)

    empty = show.audience.full
    show.audience.enter("all", "city", None)
    one = show.audience.full
    show.audience.leave()
    show.audience.close()

    assert (empty, one, show.audience.full) == (False, True, True)


@settings(max_examples=300, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_any_viewer_that_looks_at_any_time_holds_what_is_shown_and_sees_no_lower_id(random: Random) -> None:
    show = Show()
    show.full(1, 1)
    held: dict[str, int] = {}
    last: tuple[int, int] | None = None
    viewer = show.audience.enter("all", "subdistrict", None)
    for cut in range(2, random.randint(3, 9)):
        city = random.choice(("31.71", "31.72"))
        show.change(cut, cut, rows=(row("31", cut), row(city, random.randint(0, 3))))
        if random.random() < 0.3:
            show.audience.leave()
            viewer = show.audience.enter("all", "subdistrict", last)
        if random.random() < 0.5:
            continue

        for event in show.events(viewer):
            version = (int(event.id.split(".")[0]), int(event.id.split(".")[1]))
            assert last is None or version >= last
            last = version
            if event.name == "snapshot":
                held.clear()
            held.update(event.counts if event.name in ("snapshot", "delta") else {})

        assert held == {
            region.code: show.showing.count("all", region.code) for region in show.showing.regions
        }

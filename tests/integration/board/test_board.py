"""A board on a real broker: what it answers, streams and says of its freshness."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.board.processes import BoardProcess, watching
from tests.support.board.topic_writer import Programme, minutes_ago
from tests.support.deadlines import until
from tests.support.topics import Topics

pytestmark = pytest.mark.integration

GAMBIR = "31.71.01.1001"
KOJA = "31.72.03.1001"


async def test_counts_are_answered_as_published(board: BoardProcess, source: Programme) -> None:
    source.register(GAMBIR, 3)
    source.register(KOJA, 2)
    await source.full()
    await source.register_state()

    async def what_is_shown_is_covered() -> bool:
        return await board.shows(5) and (await board.counts())["coverage"] is not None

    await until(what_is_shown_is_covered)
    answer = await board.counts(scope="all", level="city", parent="31")

    assert (answer["scope"], answer["cut"], answer["coverage"]) == ("all", "7.1", 1.0)
    assert answer["audit"]["drift"] == 0
    assert {row["region"]: row["counts"]["registered"] for row in answer["rows"]} == {
        "31.01": 0,
        "31.71": 3,
        "31.72": 2,
        "31.73": 0,
        "31.74": 0,
        "31.75": 0,
    }
    pusat = answer["rows"][1]
    assert (pusat["name"], pusat["level"], pusat["parent"], pusat["target"]) == (
        "Jakarta Pusat",
        "city",
        "31",
        19942,
    )


async def test_bad_questions_are_told_which_field_is_wrong(board: BoardProcess, source: Programme) -> None:
    before = await board.http.get("/v1/counts")
    source.register(GAMBIR)
    await source.full()
    await until(lambda: board.shows(1), name="the board shows 1")

    wrong = await board.http.get("/v1/counts", params={"scope": "x", "level": "street", "parent": "?"})
    unknown_parent = await board.http.get("/v1/counts", params={"parent": "32"})
    unknown_scope = await board.http.get("/v1/stream", params={"scope": "campaign:nobody"})
    too_many = await board.http.get("/v1/pace", params={"minutes": "99999"})

    assert (before.status_code, before.headers["retry-after"]) == (503, "2")
    assert wrong.status_code == 422
    assert [error["pointer"] for error in wrong.json()["errors"]] == ["/scope", "/level", "/parent"]
    assert (unknown_parent.status_code, unknown_scope.status_code, too_many.status_code) == (404, 404, 422)
    assert unknown_scope.headers["content-type"] == "application/problem+json"


async def test_an_answer_that_has_not_changed_is_not_sent_again(
    board: BoardProcess, source: Programme
) -> None:
    source.register(GAMBIR)
    await source.full()
    await until(lambda: board.shows(1), name="the board shows 1")

    async def the_same_tag_is_answered_304() -> bool:
        tag = (await board.http.get("/v1/counts")).headers["etag"]
        return (await board.http.get("/v1/counts", headers={"If-None-Match": tag})).status_code == 304

    await until(the_same_tag_is_answered_304)
    tag = (await board.http.get("/v1/counts")).headers["etag"]
    source.register(GAMBIR)
    await source.change()
    await until(lambda: board.shows(2), name="the board shows 2")

    assert (await board.http.get("/v1/counts", headers={"If-None-Match": tag})).status_code == 200


async def test_the_stream_brings_every_cut_in_order(board: BoardProcess, source: Programme) -> None:
    source.register(GAMBIR)
    await source.full()
    async with watching(board) as viewer:
        await until(lambda: viewer.count() == 1, name="the snapshot came")

        for _ in range(30):
            source.register(GAMBIR)
            await source.change()
        await until(lambda: viewer.count() == 31, name="the last cut came")

        assert viewer.ids == sorted(viewer.ids)
        assert [event.name for event in viewer.events if event.name != "state"][:2] == ["snapshot", "delta"]
        counts = [event.counts["31"] for event in viewer.events if event.name == "delta"]
        assert counts == sorted(set(counts))


async def test_a_returning_viewer_is_sent_only_what_it_missed(board: BoardProcess, source: Programme) -> None:
    source.register(GAMBIR)
    source.register(KOJA)
    await source.full()
    source.register(KOJA)
    await source.change()
    await until(lambda: board.shows(3), name="the board shows 3")

    async with watching(board, last="7.1") as viewer:
        await until(lambda: viewer.events, name="an event came")

    assert (viewer.events[0].name, viewer.events[0].id) == ("delta", "7.2")
    assert GAMBIR not in viewer.events[0].counts


async def test_a_replica_that_is_behind_waits_for_the_viewers_cut(
    board: BoardProcess, source: Programme
) -> None:
    source.register(GAMBIR)
    await source.full()
    await until(lambda: board.shows(1), name="the board shows 1")

    async with watching(board, last="7.3") as ahead, watching(board) as new:
        for _ in range(3):
            source.register(GAMBIR)
            await source.change()
        await until(lambda: ahead.count() == 4, name="the fourth came")
        await until(lambda: new.count() == 4, name="the fourth came to the other too")

    assert min(ahead.ids) >= (7, 3)
    assert min(new.ids) == (7, 1)


async def test_a_late_publisher_of_a_lost_lease_is_never_shown(
    board: BoardProcess, source: Programme
) -> None:
    source.register(GAMBIR, 5)
    await source.full()
    async with watching(board) as viewer:
        await until(lambda: viewer.count() == 5, name="the snapshot came")

        await source.zombie_change(3)
        await source.raw("region-counts", b"not a cut at all")
        source.register(GAMBIR)
        await source.change()
        await until(lambda: viewer.count() == 6, name="the next cut came")

        assert 3 not in [event.counts.get("31") for event in viewer.events if event.name != "state"]


async def test_a_viewer_that_reads_slowly_gets_the_newest_and_not_a_queue(
    board: BoardProcess, source: Programme
) -> None:
    regions = [row["region"] for row in await _all_subdistricts(board, source)]
    cuts = 200  # some 10 MB of deltas: more than the buffers of both sockets hold
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", board.port))
        slow.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: board\r\n\r\n")
        for _ in range(cuts):
            for region in regions:
                source.register(region)
            await source.change()
        total = (cuts + 1) * len(regions)
        await until(lambda: board.shows(total), 30, name="the board shows the last cut")

        text = await asyncio.to_thread(_read_until, slow, b'"registered":%d' % total)

    assert text.count(b"event: delta") < cuts * 0.75
    assert text.count(b"event: snapshot") == 1


async def _all_subdistricts(board: BoardProcess, source: Programme) -> list[dict[str, str]]:
    source.register(GAMBIR, 0)
    await source.full()
    await until(lambda: board.shows(0), name="the board is ready")
    rows: list[dict[str, str]] = (await board.counts(level="subdistrict"))["rows"]
    for row in rows:
        source.register(row["region"])
    await source.full(4)
    return rows


def _read_until(connection: socket.socket, wanted: bytes) -> bytes:
    connection.settimeout(10)
    text = b""
    while wanted not in text:
        text += connection.recv(65536)
    return text


async def test_a_number_without_news_turns_stale_by_the_boards_own_clock_and_live_again(
    board: BoardProcess, source: Programme
) -> None:
    source.register(GAMBIR)
    await source.full()
    async with watching(board) as viewer:
        async with source.alive():
            await until(lambda: (e := viewer.events) and e[-1].data["state"] == "live", name="it is live")
        silent_s = time.monotonic()
        await until(lambda: viewer.events[-1].data["state"] == "stale", 8, name="it is stale")

        assert 4.0 < time.monotonic() - silent_s < 7.0
        async with source.alive():
            await until(lambda: viewer.events[-1].data["state"] == "live", name="it is live again")


async def test_with_the_relay_dead_and_all_else_alive_the_number_is_not_live_within_five_seconds(
    board: BoardProcess, source: Programme
) -> None:
    source.register(GAMBIR)
    await source.full()
    async with source.alive():
        await until(lambda: _is(board, "live"), name="it is live")

        source.register(GAMBIR, counted=False)

        await until(lambda: _is(board, "catching_up"), 5, name="it is catching up")
        assert (await board.counts())["coverage"] == 0.5


async def _is(board: BoardProcess, state: str) -> bool:
    return await board.state() == state


async def test_pace_tells_the_minutes_today_and_what_comes_next(
    board: BoardProcess, source: Programme
) -> None:
    source.register(GAMBIR, 95)
    await source.full()
    for minutes in range(20):
        await source.minute(minutes_ago(minutes), {"31": 2, "31.71": 2})

    async def the_minutes_have_come() -> bool:
        answer = (await board.http.get("/v1/pace", params={"region": "31.71", "minutes": "5"})).json()
        return [growth for _, growth in answer.get("minutes", [])][:4] == [2, 2, 2, 2]

    await until(the_minutes_have_come)
    answer = (await board.http.get("/v1/pace", params={"region": "31.71"})).json()

    assert (answer["scope"], answer["region"], len(answer["minutes"])) == ("all", "31.71", 180)
    assert answer["eta"]["threshold"] == 19942


async def test_milestones_are_listed_and_told_to_viewers(board: BoardProcess, source: Programme) -> None:
    await source.milestone("31.71", 10)
    source.register(GAMBIR, 20)
    await source.full()

    async def milestones() -> list[int]:
        answer = (await board.http.get("/v1/milestones")).json()
        return [milestone["threshold"] for milestone in answer["milestones"]]

    await until(milestones, name="the milestone is listed")
    async with watching(board) as viewer:
        await until(lambda: viewer.count() == 20, name="the snapshot came")
        await source.milestone("31", 20, 2)
        await until(lambda: viewer.last("milestone"), name="the milestone was told")

    told = viewer.last("milestone")
    assert told
    assert (told.data["name"], told.data["threshold"]) == ("DKI Jakarta", 20)
    assert await milestones() == [20, 10]


async def test_viewers_are_told_of_milestones_that_lay_there_when_the_board_came_to_read_them(
    board: BoardProcess, topics: Topics, source: Programme
) -> None:
    source.register(GAMBIR, 20)
    await source.full()
    assert await board.stop() == 0
    async with topics.administration() as admin:
        await admin.delete_topics([topics.name("milestones")])
    await board.start()
    await until(lambda: board.shows(20), name="the board shows 20")

    async with watching(board) as viewer:
        await until(lambda: viewer.count() == 20, name="the snapshot came")
        await topics.create()
        await source.milestone("31.71", 10)
        await source.milestone("31", 20, 2)
        await until(lambda: viewer.told() == [10, 20], name="both milestones were told")


async def test_a_board_that_starts_while_kafka_is_away_shows_its_last_cut_as_stale(
    board: BoardProcess, source: Programme, tmp_path: Path
) -> None:
    source.register(GAMBIR, 41)
    await source.full()
    async with source.alive():
        await until(lambda: _is(board, "live"), name="it is live")
    stopped = await board.stop()
    alone = BoardProcess(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})

    try:
        await alone.start()
        answer = await alone.counts(level="province")
    finally:
        await alone.close()

    assert stopped == 0
    assert (answer["state"], answer["coverage"]) == ("stale", 1.0)
    assert answer["rows"][0]["counts"]["registered"] == 41
    assert answer["as_of"]


async def test_a_stop_ends_the_streams(board: BoardProcess, source: Programme) -> None:
    source.register(GAMBIR)
    await source.full()
    async with watching(board) as viewer:
        await until(lambda: viewer.count() == 1, name="the snapshot came")

        began_s = time.monotonic()
        code = await board.stop()
        await until(lambda: viewer.ended, name="the stream ended")

    assert code == 0
    assert time.monotonic() - began_s < 4


async def test_more_viewers_than_allowed_are_asked_to_come_back(
    topics: Topics, source: Programme, tmp_path: Path
) -> None:
    source.register(GAMBIR)
    await source.full()
    board = BoardProcess(tmp_path, topics.environment(), {"BOARD_VIEWERS_MAX": "1"})
    try:
        await board.start()
        async with watching(board) as viewer:
            await until(lambda: viewer.count() == 1, name="the snapshot came")
            refused = await board.http.get("/v1/stream")
    finally:
        await board.close()

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")


def test_every_wrong_setting_is_named_at_once() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "board", "serve"],
        env={"BOARD_PORT": "x", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert found.returncode == 2
    for name in ("BOARD_PORT", "BOARD_TARGETS_FILE", "BOARD_STATE_FILE", "KAFKA_BOOTSTRAP_SERVERS"):
        assert name in found.stderr

"""Tests a board on a real broker: its responses, its stream and its freshness."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cuts.freshness import LIVE_S, STALE_S
from lifecycle.http_server import GRACE_S
from tests.support.board.input_topic_writer import TopicWriter, minutes_ago
from tests.support.board.processes import BoardProcess, open_stream
from tests.support.deadlines import until
from tests.support.samples.board_fixture import parse
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

GAMBIR = "31.71.01.1001"
KOJA = "31.72.03.1001"
TAIL_BYTES = 1 << 18


async def test_counts_are_returned_as_published(board: BoardProcess, source: TopicWriter) -> None:
    source.register(GAMBIR, 3)
    source.register(KOJA, 2)
    await source.full()

    async def an_audit_counts_as_recent() -> bool:
        audit = (await board.counts())["audit"] if await board.shows(5) else None
        return audit is not None and audit["drift"] is not None

    # A register state that the board's reader finds as history proves no recent audit. So more must follow.
    async with source.publishing():
        await until(an_audit_counts_as_recent)
        response = await board.counts(scope="all", level="city", parent="31")

    assert (response["scope"], response["cut"], response["coverage"]) == ("all", "7.1", 1.0)
    assert response["audit"]["drift"] == 0
    assert {row["region"]: row["counts"]["registered"] for row in response["rows"]} == {
        "31.01": 0,
        "31.71": 3,
        "31.72": 2,
        "31.73": 0,
        "31.74": 0,
        "31.75": 0,
    }
    cities = await board.counts(down_to="city")
    assert {row["level"] for row in cities["rows"]} == {"province", "city"}
    pusat = response["rows"][1]
    assert (pusat["name"], pusat["level"], pusat["parent"], pusat["target"]) == (
        "Jakarta Pusat",
        "city",
        "31",
        19942,
    )


async def test_invalid_and_unknown_parameters_are_refused_by_field(
    board: BoardProcess, source: TopicWriter
) -> None:
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


async def test_the_stream_sends_cuts_in_order(board: BoardProcess, source: TopicWriter) -> None:
    source.register(GAMBIR)
    await source.full()
    async with open_stream(board) as viewer:
        await until(lambda: viewer.count() == 1, name="the snapshot arrived")

        for _ in range(30):
            source.register(GAMBIR)
            await source.change()
        await until(lambda: viewer.count() == 31, name="the last cut arrived")

        assert viewer.ids == sorted(viewer.ids)
        counts = [event for event in viewer.events if event.name in ("snapshot", "delta")]
        assert [event.name for event in counts][:2] == ["snapshot", "delta"]
        deltas = [event.counts["31"] for event in counts if event.name == "delta"]
        assert deltas == sorted(set(deltas))


async def test_a_returning_viewer_is_sent_only_the_changes_it_missed(
    board: BoardProcess, source: TopicWriter
) -> None:
    source.register(GAMBIR)
    source.register(KOJA)
    await source.full()
    source.register(KOJA)
    await source.change()
    await until(lambda: board.shows(3), name="the board shows 3")

    async with open_stream(board, last="7.1") as viewer:
        await until(lambda: viewer.events, name="an event arrived")

    assert (viewer.events[0].name, viewer.events[0].id) == ("delta", "7.2")
    assert GAMBIR not in viewer.events[0].counts


async def test_a_replica_that_is_behind_waits_for_the_viewers_cut(
    board: BoardProcess, source: TopicWriter
) -> None:
    source.register(GAMBIR)
    await source.full()
    await until(lambda: board.shows(1), name="the board shows 1")

    async with open_stream(board, last="7.3") as ahead, open_stream(board) as new:
        await until(lambda: new.count() == 1, name="the snapshot arrived")
        for _ in range(3):
            source.register(GAMBIR)
            await source.change()
        await until(lambda: ahead.count() == 4, name="the fourth cut arrived")
        await until(lambda: new.count() == 4, name="the fourth cut arrived at the other viewer too")

    assert min(ahead.ids) >= (7, 3)
    assert min(new.ids) == (7, 1)


async def test_a_cut_of_a_publisher_that_lost_its_lease_is_never_shown(
    board: BoardProcess, source: TopicWriter
) -> None:
    source.register(GAMBIR, 5)
    await source.full()
    async with open_stream(board) as viewer:
        await until(lambda: viewer.count() == 5, name="the snapshot arrived")

        await source.change_of_lower_term(3)
        await source.raw("region-counts", b"not a cut at all")
        source.register(GAMBIR)
        await source.change()
        await until(lambda: viewer.count() == 6, name="the next cut arrived")

        counts = [event for event in viewer.events if event.name in ("snapshot", "delta")]
        assert 3 not in [event.counts.get("31") for event in counts]


async def test_a_viewer_that_reads_slowly_gets_fewer_and_larger_deltas(
    board: BoardProcess, source: TopicWriter
) -> None:
    regions = [row["region"] for row in await _all_subdistricts(board, source)]
    cuts = 200  # about 10 MB of deltas, which is more than the buffers of both sockets hold
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", board.port))
        slow.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: board\r\n\r\n")
        for _ in range(cuts):
            for region in regions:
                source.register(region)
            await source.change()
        total = (cuts + 1) * len(regions)
        await until(lambda: board.shows(total), 60, name="the board shows the last cut")

        text = await asyncio.to_thread(_read_until, slow, b'"registered":%d' % total)

    assert text.count(b"event: delta") < cuts * 0.75
    assert text.count(b"event: snapshot") == 1


async def _all_subdistricts(board: BoardProcess, source: TopicWriter) -> list[dict[str, str]]:
    source.register(GAMBIR, 0)
    await source.full()
    await until(lambda: board.shows(0), name="the board is ready")
    rows: list[dict[str, str]] = (await board.counts(level="subdistrict"))["rows"]
    for row in rows:
        source.register(row["region"])
    await source.full(4)
    await until(lambda: board.shows(len(rows)), name="the board shows one of each subdistrict")
    return rows


def _read_until(connection: socket.socket, wanted: bytes) -> bytes:
    connection.settimeout(60)
    text = bytearray()
    while wanted not in text[-TAIL_BYTES:]:
        received = connection.recv(65536)
        assert received, "the board ended the stream"
        text += received
    return bytes(text)


async def test_the_number_turns_stale_without_new_records_and_live_again_with_them(
    board: BoardProcess, source: TopicWriter
) -> None:
    """tests/unit/shared/cuts/test_freshness.py checks at which age, by a clock of its own."""
    source.register(GAMBIR)
    await source.full()
    async with open_stream(board) as viewer:
        async with source.publishing():
            await until(lambda: viewer.state == "live", name="it is live")
        stopped_s = time.monotonic()
        await until(lambda: viewer.state == "stale", name="it is stale")

        # The last records may be almost LIVE_S seconds old when the publishing stops.
        assert time.monotonic() - stopped_s > STALE_S - LIVE_S - 1
        async with source.publishing():
            await until(lambda: viewer.state == "live", name="it is live again")


async def test_with_only_the_relay_dead_the_number_is_catching_up(
    board: BoardProcess, source: TopicWriter
) -> None:
    source.register(GAMBIR)
    await source.full()
    async with source.publishing():
        await until(lambda: _is(board, "live"), name="it is live")

        source.register(GAMBIR, counted=False)

        await until(lambda: _is(board, "catching_up"), name="it is catching up")
        assert (await board.counts())["coverage"] == 0.5


async def _is(board: BoardProcess, state: str) -> bool:
    return await board.state() == state


async def test_pace_has_the_minutes_the_next_threshold_of_the_rules_and_a_range(
    board: BoardProcess, source: TopicWriter
) -> None:
    source.register(GAMBIR, 95)
    await source.full()
    await source.rules(level="city", every=100)
    for minutes in range(20):
        await source.minute(minutes_ago(minutes), {"31": 20, "31.71": 20})

    async def the_minutes_and_the_rules_have_arrived() -> dict[str, Any]:
        response = (await board.http.get("/v1/pace", params={"region": "31.71"})).json()
        assert response.get("forecast"), response
        assert response["pace"]["minutes"] == 15, response["pace"]
        return dict(response)

    response = await until(the_minutes_and_the_rules_have_arrived)

    assert (response["scope"], response["region"], len(response["minutes"])) == ("all", "31.71", 180)
    assert (response["pace"]["per_minute"], response["pace"]["minutes"]) == (20, 15)
    assert (response["next"], response["forecast"]["threshold"]) == (100, 100)
    assert response["pace"]["until"] < response["forecast"]["from"] < response["forecast"]["to"]
    assert (await board.http.get("/v1/pace")).json()["next"] is None, "no rule is of the province"


async def test_today_is_the_count_minus_the_count_at_the_start_of_the_day(
    board: BoardProcess, source: TopicWriter
) -> None:
    source.register(GAMBIR, 95)
    await source.full()
    await until(lambda: board.shows(95))
    assert (await board.http.get("/v1/pace")).json()["today"] is None

    await source.day({"31": 90, "31.71": 60})

    async def today(region: str) -> int | None:
        growth: int | None = (await board.http.get("/v1/pace", params={"region": region})).json()["today"]
        return growth

    async def the_day_has_arrived() -> bool:
        return await today("31") == 5

    await until(the_day_has_arrived)
    assert await today("31.71") == 35


async def test_milestones_are_listed_and_sent_to_viewers(board: BoardProcess, source: TopicWriter) -> None:
    await source.milestone("31.71", 10)
    source.register(GAMBIR, 20)
    await source.full()

    async def milestones() -> list[int]:
        response = (await board.http.get("/v1/milestones")).json()
        return [milestone["threshold"] for milestone in response["milestones"]]

    await until(milestones, name="the milestone is listed")
    async with open_stream(board) as viewer:
        await until(lambda: viewer.count() == 20, name="the snapshot arrived")
        await source.milestone("31", 20, 2)
        await until(lambda: viewer.last("milestone"), name="the milestone arrived")

    event = viewer.last("milestone")
    assert event
    assert (event.data["name"], event.data["threshold"]) == ("DKI Jakarta", 20)
    assert await milestones() == [20, 10]


async def test_a_board_that_starts_without_kafka_shows_its_last_cut_as_stale(
    board: BoardProcess, source: TopicWriter, tmp_path: Path
) -> None:
    source.register(GAMBIR, 41)
    await source.full()
    async with source.publishing():
        await until(lambda: _is(board, "live"), name="it is live")
    stopped = await board.stop()
    without_kafka = BoardProcess(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})

    try:
        await without_kafka.start()
        response = await without_kafka.counts(level="province")
    finally:
        await without_kafka.close()

    assert stopped == 0
    assert (response["state"], response["coverage"]) == ("stale", 1.0)
    assert response["rows"][0]["counts"]["registered"] == 41
    assert response["as_of"]


async def test_a_stop_ends_the_streams(board: BoardProcess, source: TopicWriter) -> None:
    source.register(GAMBIR)
    await source.full()
    async with open_stream(board) as viewer:
        await until(lambda: viewer.count() == 1, name="the snapshot arrived")

        began_s = time.monotonic()
        code = await board.stop()
        await until(lambda: viewer.ended, name="the stream ended")

    assert code == 0
    assert time.monotonic() - began_s < GRACE_S, "a stream that does not end is cut off after this time"


async def test_a_viewer_above_the_limit_is_refused_with_retry_after_and_an_event_source_comes_back(
    topics: Topics, source: TopicWriter, tmp_path: Path
) -> None:
    source.register(GAMBIR)
    await source.full()
    board = BoardProcess(tmp_path, topics.environment(), {"BOARD_VIEWERS_MAX": "1"})
    try:
        await board.start()
        async with open_stream(board) as viewer:
            await until(lambda: viewer.count() == 1, name="the snapshot arrived")
            refused = await board.http.get("/v1/stream")
            event_source = await board.http.get("/v1/stream", headers={"Accept": "text/event-stream"})
    finally:
        await board.close()

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    # A standard EventSource repeats a request after status 200 and the end of the stream, and only then.
    assert (event_source.status_code, event_source.headers["content-type"]) == (
        200,
        "text/event-stream; charset=utf-8",
    )
    retry = re.match(rb"retry: (\d+)\n\n", event_source.content)
    assert retry is not None
    assert 5_000 <= int(retry[1]) < 10_000
    (event,) = parse(event_source.content.removeprefix(retry[0]))
    assert (event.name, event.data["type"]) == ("problem", refused.json()["type"])


def test_every_invalid_setting_is_named_at_once() -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "board", "serve"],
        env={"BOARD_PORT": "x", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert completed.returncode == 2
    for name in ("BOARD_PORT", "BOARD_TARGETS_FILE", "BOARD_STATE_FILE", "KAFKA_BOOTSTRAP_SERVERS"):
        assert name in completed.stderr

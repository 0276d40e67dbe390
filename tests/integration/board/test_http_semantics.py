"""Tests what HTTP asks of the board's responses: conditional requests, HEAD, and other origins."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.support.board.input_topic_writer import TopicWriter
from tests.support.board.processes import BoardProcess
from tests.support.deadlines import until
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

GAMBIR = "31.71.01.1001"


async def test_while_no_count_changes_each_replica_answers_304_with_the_newest_times(
    board: BoardProcess, topics: Topics, source: TopicWriter, tmp_path: Path
) -> None:
    source.register(GAMBIR)
    await source.full()
    (tmp_path / "other").mkdir()
    other = BoardProcess(tmp_path / "other", topics.environment())

    async def newer_times(first: httpx.Response) -> bool:
        """Whether both replicas answer 304, with later times than the first response."""
        body = first.json()
        for replica in (board, other):
            known = {"If-None-Match": f'"other", {first.headers["etag"]}'}
            answer = await replica.http.get("/v1/counts", headers=known)
            if answer.status_code != 304:
                return False  # for example while a replica is not live for a moment
            if not (
                _time(answer.headers["counts-as-of"]) > _time(body["as_of"])
                and _time(answer.headers["counts-audited-at"]) > _time(body["audit"]["checked_at"])
            ):
                return False
        return True

    try:
        await other.start()
        async with source.publishing():
            # A register state that a board's reader finds as history proves no recent audit.
            await until(lambda: _are_audited(board, other), 30, name="both replicas are live and audited")
            first = await board.http.get("/v1/counts")
            await until(lambda: newer_times(first), 30, name="a 304 has later times than the body")
        await until(lambda: _is_stale(board), 30, name="the board is stale")
        stale = await board.http.get("/v1/counts", headers={"If-None-Match": first.headers["etag"]})
        source.register(GAMBIR)
        await source.change()
        await until(lambda: board.shows(2), name="the board shows 2")
        changed = await board.http.get("/v1/counts", headers={"If-None-Match": stale.headers["etag"]})
    finally:
        await other.close()

    assert first.headers["etag"].startswith("W/"), "responses with this tag differ in as_of"
    assert (first.headers["counts-as-of"], stale.status_code) == (first.json()["as_of"], 200)
    assert (stale.json()["state"], changed.status_code) == ("stale", 200)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def _are_audited(*boards: BoardProcess) -> bool:
    for board in boards:
        counts = await board.counts()
        if not counts or counts["state"] != "live" or counts["audit"]["drift"] is None:
            return False
    return True


async def _is_stale(board: BoardProcess) -> bool:
    return await board.state() == "stale"


async def test_head_has_the_headers_of_get_without_its_body(board: BoardProcess, source: TopicWriter) -> None:
    source.register(GAMBIR)
    await source.full()
    await until(lambda: board.shows(1), 30, name="the board shows 1")
    paths = ("/", "/v1/counts", "/v1/pace", "/v1/milestones", "/v1/stream", "/openapi.json", "/metrics")

    heads = {path: await board.http.head(path) for path in paths}
    metrics = (await board.http.get("/metrics")).text
    unknown, refused = await board.http.head("/v1/nothing"), await board.http.post("/v1/counts")

    for path, head in heads.items():
        assert (head.status_code, head.content) == (200, b""), path
        async with board.http.stream("GET", path) as get:
            assert head.headers["content-type"] == get.headers["content-type"]
    assert "board_viewers 0.0" in metrics, "a HEAD of the stream is no viewer"
    assert (unknown.status_code, refused.headers["allow"]) == (404, "GET, HEAD")


async def test_pages_of_any_origin_may_read_the_public_data(board: BoardProcess, source: TopicWriter) -> None:
    foreign = {"Origin": "https://koran.example"}
    not_ready = await board.http.get("/v1/counts", headers=foreign)
    source.register(GAMBIR)
    await source.full()
    await until(lambda: board.shows(1), 30, name="the board shows 1")

    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match"}
    preflight = await board.http.options("/v1/counts", headers=foreign | asked)
    answers = [
        await board.http.get(path) for path in ("/v1/counts", "/v1/pace", "/v1/milestones", "/openapi.json")
    ]
    async with board.http.stream("GET", "/v1/stream", headers=foreign) as stream:
        answers.append(stream)

    for answer in [not_ready, preflight, *answers]:
        assert answer.headers["access-control-allow-origin"] == "*", "also in what a cache has kept"
        assert "access-control-allow-credentials" not in answer.headers
    assert (preflight.status_code, preflight.headers["access-control-allow-methods"]) == (204, "GET, HEAD")
    assert "Retry-After" in not_ready.headers["access-control-expose-headers"]
    for private in ("/metrics", "/health/ready", "/"):
        assert "access-control-allow-origin" not in (await board.http.get(private)).headers

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

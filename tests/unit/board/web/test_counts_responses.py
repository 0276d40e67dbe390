"""Tests the tags of /v1/counts: what they cover, and that a kept response is never older than the head."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import Response

from board.web.counts_responses import CountsQuery, CountsResponses
from cuts.records import Audit
from tests.support.samples.board_fixture import BoardFixture, Clock
from tests.support.samples.cuts import at

ALL = CountsQuery("all", None, None, "subdistrict")


class Replica:
    """A board whose responses a test reads."""

    def __init__(self, started_s: float = 100.0) -> None:
        self.board = BoardFixture(Clock(started_s))
        self.responses = CountsResponses(self.board.app_state, "max-age=1")

    def show(self, second: float, count: int = 5, accepted: int = 1, drift: int = 0) -> Response:
        """Read a cut and a register state, and return the response after the next tick."""
        audit = Audit(cut=f"1.{second:.0f}", drift=drift, checked_at=at(second))
        self.board.full(1, count)
        self.board.register(second, accepted, audit=audit)
        self.board.subscriptions.tick()
        return self.get()

    def wait(self, seconds: float) -> Response:
        """Let time pass without records."""
        self.board.clock.now_s += seconds
        self.board.subscriptions.tick()
        return self.get()

    def get(self, *if_none_match: str) -> Response:
        return self.responses.respond(ALL, if_none_match)


def body(response: Response) -> dict[str, Any]:
    return dict(json.loads(bytes(response.body)))


def test_while_only_time_passes_a_known_tag_is_answered_304_with_the_newest_times() -> None:
    replica = Replica()
    first = replica.show(1)
    second = replica.show(2)

    unchanged = replica.get('"other"', first.headers["ETag"])

    assert (unchanged.status_code, bytes(unchanged.body)) == (304, b"")
    assert unchanged.headers["Counts-As-Of"] == body(second)["as_of"] > body(first)["as_of"]
    assert unchanged.headers["Counts-Audited-At"] == body(second)["audit"]["checked_at"]


def test_replicas_that_started_at_other_times_have_the_same_tags() -> None:
    first, second = Replica(100.0), Replica(7_000.5)
    second.show(0.5, count=4)
    second.board.grow(0)
    first.board.grow(0)

    assert first.show(1).headers["ETag"] == second.show(1.5).headers["ETag"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda replica: replica.show(2, count=6), id="a full record corrects the same cut"),
        pytest.param(lambda replica: replica.show(2, accepted=2), id="the coverage falls"),
        pytest.param(lambda replica: replica.show(2, drift=1), id="the audit finds drift"),
        pytest.param(lambda replica: replica.wait(3), id="the counts are no longer live"),
        pytest.param(lambda replica: replica.wait(9), id="the counts are stale"),
        pytest.param(lambda replica: replica.wait(100), id="the last audit is too old to be evidence"),
    ],
)
def test_whatever_makes_the_counts_less_certain_changes_the_tag(
    change: Callable[[Replica], Response],
) -> None:
    replica = Replica()
    first = replica.show(1)

    changed = change(replica)

    assert changed.headers["ETag"] != first.headers["ETag"]
    assert replica.get(first.headers["ETag"]).status_code == 200


def test_the_age_of_an_old_audit_alone_changes_the_tag() -> None:
    replica = Replica()
    stale = replica.show(1) and replica.wait(9)

    unaudited = replica.wait(100)

    assert (body(stale)["state"], body(stale)["audit"]["drift"]) == ("stale", 0)
    assert (body(unaudited)["state"], body(unaudited)["audit"]["drift"]) == ("stale", None)
    assert unaudited.headers["ETag"] != stale.headers["ETag"]


def test_each_query_has_a_response_of_its_own_and_each_change_renews_it() -> None:
    replica = Replica()
    replica.show(1)
    province = CountsQuery("all", "province", None, "subdistrict")

    rows = [len(body(replica.responses.respond(query, ()))["rows"]) for query in (ALL, province, ALL)]
    replica.board.full(2, 9)

    assert rows == [5, 1, 5]
    assert body(replica.responses.respond(province, ()))["rows"][0]["counts"] == {"registered": 9}

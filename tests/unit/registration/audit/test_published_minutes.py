"""Grouping of published minutes for the audit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cuts.records import UndecodableRecordError
from registration.audit.published_minutes import MinuteFollower, PublishedMinute, decode_minute

MINUTE = datetime(2021, 10, 24, 12, 4, tzinfo=UTC)


def minute(scope: str) -> PublishedMinute:
    return PublishedMinute(scope, MINUTE, (("31", 1),))


def test_a_group_ends_with_the_scope_all_and_the_first_may_lack_records() -> None:
    follower = MinuteFollower()

    for scope in ("campaign:b", "all", "agency:a", "campaign:b", "all"):
        follower.add(minute(scope))

    assert [[record.scope for record in group.records] for group in follower.groups] == [
        ["campaign:b", "all"],
        ["agency:a", "campaign:b", "all"],
    ]
    assert [group.is_whole for group in follower.groups] == [False, True]


def test_a_value_that_is_not_a_minute_is_undecodable() -> None:
    for value in (b"{}", b"\xff", b'{"scope":"all","minute":"2021-10-24","rows":[]}'):
        with pytest.raises(UndecodableRecordError):
            decode_minute(value)

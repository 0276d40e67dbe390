"""The responses of /v1/counts: encoded once per query, and shared until the head or the counts change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from fastapi import Response

from board.app_state import AppState
from board.json_bodies import encode, head_body, row_body
from board.regions import PROVINCE
from board.state.counts import Head
from http_semantics.entity_tags import is_known, weak_tag

QUERIES_MAX: Final = 100
"""The responses to more queries are not kept: with all regions, one has 40 kB."""


@dataclass(frozen=True, slots=True)
class CountsQuery:
    """What a client asks for: a scope, and regions by level, by parent and by lowest level."""

    scope: str
    level: str | None
    parent: str | None
    down_to: str


@dataclass(frozen=True, slots=True)
class _Encoded:
    body: bytes
    headers: dict[str, str]


class CountsResponses:
    """Encodes the counts and tags them.

    The tag covers everything in the response that is no proof of its age: not `as_of`, nor the time and the
    cut of the last audit, which change every second. The headers repeat both times, and a 304 renews them in
    the client's copy. The range of the forecast, which also moves with the time, is not covered either.
    """

    def __init__(self, app_state: AppState, cache_control: str) -> None:
        self._app_state = app_state
        self._cache_control = cache_control
        self._shown: tuple[int, Head] | None = None
        self._encoded: dict[CountsQuery, _Encoded] = {}

    def respond(self, query: CountsQuery, if_none_match: Iterable[str]) -> Response:
        """Return the counts, or 304 if the client has them. The board must be ready."""
        encoded = self._current(query)
        if is_known(encoded.headers["ETag"], if_none_match):
            return Response(status_code=304, headers=encoded.headers)
        return Response(encoded.body, headers=encoded.headers, media_type="application/json")

    def _current(self, query: CountsQuery) -> _Encoded:
        shown = (self._app_state.board_state.serial, self._app_state.subscriptions.head)
        if self._shown is None or self._shown[0] != shown[0] or self._shown[1] is not shown[1]:
            self._encoded.clear()
            self._shown = shown
        encoded = self._encoded.get(query)
        if encoded is None:
            encoded = self._encode(query, shown[1])
            if len(self._encoded) < QUERIES_MAX:
                self._encoded[query] = encoded
        return encoded

    def _encode(self, query: CountsQuery, head: Head) -> _Encoded:
        board_state = self._app_state.board_state
        regions = board_state.list_regions(query.scope, query.level, query.parent, query.down_to)
        rows = encode([row_body(board_state, query.scope, region) for region in regions])
        body = head_body(query.scope, head, self._app_state.growth.figures(query.scope, PROVINCE))
        headers = {
            "ETag": weak_tag(encode(_tagged(body)), rows),
            "Cache-Control": self._cache_control,
            "Counts-As-Of": _text(head.as_of),
            "Counts-Audited-At": _text(head.audit.checked_at if head.audit else None),
        }
        return _Encoded(encode(body | {"rows": msgspec.Raw(rows)}), {k: v for k, v in headers.items() if v})


def _tagged(body: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the head that the tag covers."""
    audit, growth = body["audit"], body["growth"]
    return body | {
        "as_of": None,
        "audit": audit and audit | {"checked_at": None, "cut": None},
        "growth": growth | {"forecast": growth["forecast"] and growth["forecast"]["threshold"]},
    }


def _text(time: datetime | None) -> str:
    """Return a time as JSON has it; empty without a time."""
    return "" if time is None else encode(time).decode().strip('"')

"""Encodes each event of the streams once; viewers with the same progress share the bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from board.json_bodies import chart_body, counts_body, crossing_body, encode, head_body, milestones_body
from board.metrics import EVENTS
from board.regions import PROVINCE
from board.state.counts import BoardState, Head
from board.state.growth import MINUTES_SHOWN, Growth
from board.state.milestones import NEWEST_SHOWN, Milestones
from board.stream.sse_events import encode_event


class SharedEvents:
    """The encoded events of the current head; call `renew` first."""

    def __init__(self, board_state: BoardState, milestones: Milestones, growth: Growth) -> None:
        self._board_state = board_state
        self._milestones = milestones
        self._growth = growth
        self._head: Head
        self._heads: dict[str, dict[str, Any]] = {}
        """By scope: the body of the head, with the growth."""
        self._events: dict[tuple[str, str, int | None], bytes] = {}
        self._joined: dict[tuple[bytes, bytes], bytes] = {}
        self._paces: dict[str, tuple[int, int, bytes]] = {}
        """By scope: the tick at which the chart was computed, the number of this chart, and its JSON."""

    def renew(self, head: Head) -> None:
        """Encode all events again, with this head."""
        self._head = head
        self._heads.clear()
        self._events.clear()
        self._joined.clear()

    def rows(self, scope: str, depth: str, since: int | None) -> bytes:
        """Return a delta with the rows that changed after the serial `since`; a snapshot if it is None."""
        data = self._events.get((scope, depth, since))
        if data is None:
            data = self._events[scope, depth, since] = self._rows(scope, depth, since)
        return data

    def head(self, scope: str) -> dict[str, Any]:
        """Return the body of the head, with the growth of the province at its cut."""
        body = self._heads.get(scope)
        if body is None:
            figures = self._growth.figures(scope, PROVINCE)
            body = self._heads[scope] = head_body(scope, self._head, figures)
        return body

    def state(self, scope: str) -> bytes:
        """Return the head as event `state`."""
        return self._once((scope, "state", None), lambda: self._event("state", self.head(scope)))

    def reset(self, scope: str) -> bytes:
        """Return the head as event `reset`, after which the viewer must forget the cut that it has."""
        return self._once((scope, "reset", None), lambda: self._event("reset", self.head(scope)))

    def crossings(self, scope: str, since: int) -> bytes:
        """Return the milestones that arrived after the number `since`; empty if there are none."""
        return self._once((scope, "milestone", since), lambda: self._crossings(scope, since))

    def newest_milestones(self, scope: str) -> bytes:
        """Return the newest milestones as event `milestones`, which is the page's list."""
        return self._once((scope, "milestones", None), lambda: self._newest_milestones(scope))

    def pace_number(self, scope: str, tick: int) -> int:
        """Return the number of the scope's chart of growth per minute, which rises when the chart changes.

        The chart is computed at most once per tick.
        """
        computed, number, body = self._paces.get(scope, (-1, 0, b""))
        if computed != tick:
            chart = self._growth.chart(scope, PROVINCE, MINUTES_SHOWN)
            former, body = body, encode(chart_body(scope, PROVINCE, chart))
            number += body != former
            self._paces[scope] = (tick, number, body)
        return number

    def pace(self, scope: str) -> bytes:
        """Return the chart as event `pace`. Call `pace_number` before."""
        return self._once((scope, "pace", None), lambda: self._encode("pace", self._paces[scope][2]))

    def join(self, first: bytes, second: bytes) -> bytes:
        """Return the events `first`, then `second`, as shared bytes."""
        if not first or not second:
            return first or second
        joined = self._joined.get((first, second))
        if joined is None:
            joined = self._joined[first, second] = first + second
        return joined

    def _once(self, key: tuple[str, str, int | None], event: Callable[[], bytes]) -> bytes:
        data = self._events.get(key)
        if data is None:
            data = self._events[key] = event()
        return data

    def _rows(self, scope: str, depth: str, since: int | None) -> bytes:
        if since is None:
            regions = self._board_state.list_regions(scope, depth=depth)
            return self._event("snapshot", counts_body(self._board_state, self.head(scope), scope, regions))
        regions = self._board_state.changed_since(scope, since, depth)
        if not regions:
            return b""
        return self._event("delta", counts_body(self._board_state, self.head(scope), scope, regions))

    def _crossings(self, scope: str, since: int) -> bytes:
        arrived = self._milestones.arrived_since(since, scope)
        regions = self._board_state.regions
        return b"".join(self._event("milestone", crossing_body(regions, crossing)) for crossing in arrived)

    def _newest_milestones(self, scope: str) -> bytes:
        newest = self._milestones.newest(scope, NEWEST_SHOWN)
        return self._event("milestones", milestones_body(self._board_state.regions, newest))

    def _event(self, name: str, body: dict[str, Any]) -> bytes:
        return self._encode(name, encode(body))

    def _encode(self, name: str, data: bytes) -> bytes:
        EVENTS.labels(name).inc()
        return encode_event(name, data, self._board_state.cuts.id)

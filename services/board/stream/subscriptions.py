"""Who watches, and what each viewer is to be sent next.

A viewer has no queue. It holds how far it was sent, and when it can be sent more it gets what is newest: one
delta over everything since, however long that took. Viewers who are equally far share the bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from board.metrics import EVENTS, VIEWERS
from board.state.board_state import BoardState, Head, Version
from board.state.milestones import Milestones
from board.stream.sse_events import PING, event
from board.web.response_bodies import counts_body, crossing_body, encode, head_body
from cuts.freshness import FreshnessState

TICKS_SILENT_MAX: Final = 2


@dataclass(eq=False, slots=True)
class Subscriber:
    """One open stream: what it watches, and how far it was sent."""

    scope: str
    depth: str
    last: Version | None
    news: int
    pings: int
    serial: int | None = None
    heads: int = -1
    state: FreshnessState | None = None
    """What it was last told of the number."""
    rows_at_tick: int | None = None
    """When it was last sent rows, and with them a head."""


class Subscriptions:
    """All open streams. `take` is the only place that decides what a viewer gets."""

    def __init__(
        self, showing: BoardState, milestones: Milestones, clock: Callable[[], float], viewers_max: int
    ) -> None:
        self._showing = showing
        self._milestones = milestones
        self._clock = clock
        self._viewers_max = viewers_max
        self._viewers = 0
        self._shared: dict[tuple[str, str, int | None], bytes] = {}
        self._head = showing.head(clock())
        self._told = self._head
        self._heads = 0
        self._ticks = 0
        self._ticks_silent = 0
        self._head_owed = False
        self._pings = 0
        self.closed = False
        """Whether all streams are to end."""
        self.news = asyncio.Event()
        """Set whenever some viewer may have something to take."""

    @property
    def full(self) -> bool:
        """Whether no more viewers are let in."""
        return self.closed or self._viewers >= self._viewers_max

    @property
    def head(self) -> Head:
        """What stood above the rows when this was last looked at."""
        return self._head

    @property
    def heads(self) -> int:
        """How often the head was told anew."""
        return self._heads

    def enter(self, scope: str, depth: str, last: Version | None) -> Subscriber:
        """A new viewer, who says to have been sent `last`."""
        self._viewers += 1
        VIEWERS.set(self._viewers)
        return Subscriber(scope, depth, last, self._milestones.number, self._pings)

    def leave(self) -> None:
        """A stream ended."""
        self._viewers -= 1
        VIEWERS.set(self._viewers)

    def moved(self) -> None:
        """Counts moved, or a milestone arrived."""
        self._look()
        if self._head.state is not self._told.state:
            self._tell()
        self.news.set()

    def tick(self) -> None:
        """Once a second: time alone may have changed how fresh the numbers are.

        What has not changed is told again after TICKS_SILENT_MAX: a page that hears nothing is cut off.
        """
        self._look()
        self._ticks += 1
        self._ticks_silent += 1
        owed, self._head_owed = self._head_owed, False
        if self._head != self._told or self._ticks_silent >= TICKS_SILENT_MAX:
            self._tell()
            self.news.set()
        elif owed:
            self.news.set()

    def ping(self) -> None:
        """Keep connections open through silence."""
        self._pings += 1
        self.news.set()

    def close(self) -> None:
        """End all streams; whoever comes later is sent away."""
        self.closed = True
        self.news.set()

    def take(self, viewer: Subscriber) -> bytes:
        """The bytes this viewer is to be sent now; none when there is nothing for it."""
        sent = self._events(viewer)
        if not sent and viewer.pings != self._pings:
            sent = PING
        viewer.pings = self._pings
        return sent

    def _events(self, viewer: Subscriber) -> bytes:
        if not self._showing.ready or self._behind(viewer):
            return b""
        sent = self._rows(viewer)
        if sent:
            viewer.heads, viewer.state, viewer.rows_at_tick = self._heads, self._head.state, self._ticks
        if viewer.news != self._milestones.number:
            sent += self._crossings(viewer)
        if viewer.heads != self._heads and not self._told_with_rows(viewer):
            sent += self._state(viewer)
            viewer.heads, viewer.state = self._heads, self._head.state
        return sent

    def _told_with_rows(self, viewer: Subscriber) -> bool:
        """Whether it heard the same state with rows a moment ago: what else the head says can wait a tick."""
        told = viewer.rows_at_tick == self._ticks - 1 and viewer.state is self._head.state
        self._head_owed |= told
        return told

    def _crossings(self, viewer: Subscriber) -> bytes:
        since, viewer.news = viewer.news, self._milestones.number
        key = (viewer.scope, "milestones", since)
        if key not in self._shared:
            self._shared[key] = b"".join(
                self._event("milestone", crossing_body(self._showing.regions, crossing))
                for crossing in self._milestones.news_since(since, viewer.scope)
            )
        return self._shared[key]

    def _behind(self, viewer: Subscriber) -> bool:
        """Whether another replica has sent this viewer a cut that has not come here yet."""
        return viewer.last is not None and viewer.last > self._showing.version

    def _rows(self, viewer: Subscriber) -> bytes:
        """A snapshot for a viewer of whom nothing is known, else one delta over all it has not seen."""
        if viewer.serial is None and viewer.last is not None:
            viewer.serial = self._showing.serial_of(viewer.last)
        since, viewer.serial, viewer.last = viewer.serial, self._showing.serial, None
        if since == self._showing.serial:
            return b""
        key = (viewer.scope, viewer.depth, since)
        if key not in self._shared:
            self._shared[key] = self._encode(*key)
        return self._shared[key]

    def _encode(self, scope: str, depth: str, since: int | None) -> bytes:
        showing = self._showing
        if since is None:
            body = counts_body(showing, scope, self._head, showing.listed(scope, depth=depth))
            return self._event("snapshot", body)
        regions = showing.changed_since(scope, since, depth)
        return self._event("delta", counts_body(showing, scope, self._head, regions)) if regions else b""

    def _state(self, viewer: Subscriber) -> bytes:
        key = (viewer.scope, "", None)
        if key not in self._shared:
            self._shared[key] = self._event("state", head_body(viewer.scope, self._head))
        return self._shared[key]

    def _event(self, name: str, data: dict[str, object]) -> bytes:
        EVENTS.labels(name).inc()
        return event(name, encode(data), self._showing.cuts.id)

    def _look(self) -> None:
        self._head = self._showing.head(self._clock())
        self._shared.clear()

    def _tell(self) -> None:
        self._told = self._head
        self._heads += 1
        self._ticks_silent = 0

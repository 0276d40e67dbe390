"""Who watches, and what each viewer is to be sent next.

A viewer has no queue. It holds how far it was sent, and when it can be sent more it gets what is newest: one
delta over everything since, however long that took. Viewers who are equally far share the bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from board.answers import counts_body, crossing_body, encode, head_body
from board.metrics import EVENTS, VIEWERS
from board.milestones import Milestones
from board.showing import Head, Showing, Version
from board.sse import PING, event

TICKS_SILENT_MAX = 2
SEND_S_MAX = 30.0
"""A viewer that takes nothing for so long is let go."""


@dataclass(eq=False, slots=True)
class Viewer:
    """One open stream: what it watches, and how far it was sent."""

    scope: str
    depth: str
    last: Version | None
    news: int
    pings: int
    serial: int | None = None
    heads: int = -1
    gone: bool = False
    sending_since_s: float | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[object] | None = None


class Audience:
    """All open streams. `take` is the only place that decides what a viewer gets."""

    def __init__(
        self, showing: Showing, milestones: Milestones, clock: Callable[[], float], viewers_max: int
    ) -> None:
        self._showing = showing
        self._milestones = milestones
        self._clock = clock
        self._viewers_max = viewers_max
        self._viewers: set[Viewer] = set()
        self._shared: dict[tuple[str, str, int | None], bytes] = {}
        self._head = showing.head(clock())
        self._told = self._head
        self._heads = 0
        self._ticks_silent = 0
        self._pings = 0
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether no more viewers are let in."""
        return self._closed or len(self._viewers) >= self._viewers_max

    @property
    def head(self) -> Head:
        """What stood above the rows when this was last looked at."""
        return self._head

    @property
    def heads(self) -> int:
        """How often the head was told anew."""
        return self._heads

    def enter(self, scope: str, depth: str, last: Version | None) -> Viewer:
        """A new viewer, who says to have been sent `last`."""
        viewer = Viewer(scope, depth, last, self._milestones.number, self._pings, gone=self._closed)
        viewer.wake.set()
        self._viewers.add(viewer)
        VIEWERS.set(len(self._viewers))
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """The stream ended."""
        self._viewers.discard(viewer)
        VIEWERS.set(len(self._viewers))

    def moved(self) -> None:
        """Counts moved, or a milestone arrived."""
        self._look()
        if self._head.state is not self._told.state:
            self._tell()
        self._wake_all()

    def tick(self) -> None:
        """Once a second: time alone may have changed how fresh the numbers are.

        What has not changed is told again after TICKS_SILENT_MAX: a page that hears nothing is cut off.
        """
        self._look()
        self._ticks_silent += 1
        if self._head != self._told or self._ticks_silent >= TICKS_SILENT_MAX:
            self._tell()
            self._wake_all()

    def ping(self) -> None:
        """Keep connections open through silence, and let go of viewers that take nothing."""
        self._pings += 1
        now_s = self._clock()
        for viewer in self._viewers:
            if viewer.sending_since_s is not None and now_s - viewer.sending_since_s > SEND_S_MAX:
                viewer.gone = True
                if viewer.task:
                    viewer.task.cancel()
        self._wake_all()

    def close(self) -> None:
        """End all streams; whoever comes later is sent away."""
        self._closed = True
        for viewer in self._viewers:
            viewer.gone = True
        self._wake_all()

    def take(self, viewer: Viewer) -> bytes:
        """The bytes this viewer is to be sent now; none when there is nothing for it."""
        sent = self._events(viewer)
        if not sent and viewer.pings != self._pings:
            sent = PING
        viewer.pings = self._pings
        return sent

    def _events(self, viewer: Viewer) -> bytes:
        if not self._showing.ready or self._behind(viewer):
            return b""
        rows = self._rows(viewer)
        news = b"".join(
            self._event("milestone", crossing_body(self._showing.regions, crossing))
            for crossing in self._milestones.news_since(viewer.news, viewer.scope)
        )
        viewer.news = self._milestones.number
        head = b"" if rows or viewer.heads == self._heads else self._state(viewer)
        viewer.heads = self._heads
        return rows + news + head

    def _behind(self, viewer: Viewer) -> bool:
        """Whether another replica has sent this viewer a cut that has not come here yet."""
        return viewer.last is not None and viewer.last > self._showing.version

    def _rows(self, viewer: Viewer) -> bytes:
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

    def _state(self, viewer: Viewer) -> bytes:
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

    def _wake_all(self) -> None:
        for viewer in self._viewers:
            viewer.wake.set()

"""Decides what the subscriber of each open stream is sent next.

There is no queue of events per subscriber. A subscriber's progress is the serial of the last rows that were
sent to it. When its connection can take more bytes, the subscriber is sent one delta with all later changes,
however many there are. Subscribers with the same progress share the encoded bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from board.json_bodies import counts_body, crossing_body, encode, head_body
from board.metrics import EVENTS, VIEWERS
from board.state.counts import BoardState, Head, Version
from board.state.milestones import Milestones
from board.stream.sse_events import PING, encode_event
from cuts.freshness import FreshnessState

SILENT_TICKS_MAX: Final = 2
"""An unchanged head is sent again after this many ticks, because a page that receives nothing turns stale."""


@dataclass(eq=False, slots=True)
class Subscriber:
    """The subscriber of one open stream: its scope, the lowest level of its regions, and what it was sent."""

    scope: str
    depth: str
    last_version: Version | None
    """The version that a reconnecting viewer already has.

    None for a new viewer, and for any viewer after this stream has sent its first rows.
    """
    milestones_sent: int
    """The arrival number of the last milestone that was sent."""
    pings_sent: int
    serial: int | None = None
    """The serial of the last rows that were sent."""
    head_number: int = -1
    """The number of the last head that was sent."""
    state: FreshnessState | None = None
    """The freshness in the last head that was sent."""
    rows_tick: int | None = None
    """The tick at which rows were last sent; a head is always sent with rows."""


class Subscriptions:
    """Counts the open streams, and decides what each subscriber is sent; only `next_bytes` decides this."""

    def __init__(
        self, board_state: BoardState, milestones: Milestones, clock: Callable[[], float], viewers_max: int
    ) -> None:
        self._board_state = board_state
        self._milestones = milestones
        self._clock = clock
        self._viewers_max = viewers_max
        self._viewers = 0
        self._shared: dict[tuple[str, str, int | None], bytes] = {}
        self._head = board_state.head(clock())
        self._published_head = self._head
        self._head_number = 0
        self._ticks = 0
        self._silent_ticks = 0
        self._head_deferred = False
        self._pings = 0
        self.closed = False
        """Whether all streams must end."""
        self.changed = asyncio.Event()
        """Set when there may be something to send to at least one subscriber."""

    @property
    def full(self) -> bool:
        """Whether no more streams are accepted, because of the limit or because all streams must end."""
        return self.closed or self._viewers >= self._viewers_max

    @property
    def head(self) -> Head:
        """The head at the last change or tick."""
        return self._head

    @property
    def head_number(self) -> int:
        """The number of heads that have been published."""
        return self._head_number

    def add(self, scope: str, depth: str, last_version: Version | None) -> Subscriber:
        """Add a subscriber. `last_version` is the version that a reconnecting viewer has, else None."""
        self._viewers += 1
        VIEWERS.set(self._viewers)
        return Subscriber(scope, depth, last_version, self._milestones.arrivals, self._pings)

    def remove(self) -> None:
        """Free the place of a subscriber whose stream has ended."""
        self._viewers -= 1
        VIEWERS.set(self._viewers)

    def on_change(self) -> None:
        """Start a round of sending, because counts have changed or a milestone has arrived."""
        self._refresh_head()
        if self._head.state is not self._published_head.state:
            self._publish_head()
        self.changed.set()

    def tick(self) -> None:
        """Publish the head if it has changed since it was last published.

        An unchanged head is published again after SILENT_TICKS_MAX ticks. Call this method once a second,
        and whenever the freshness state changes.
        """
        self._refresh_head()
        self._ticks += 1
        self._silent_ticks += 1
        deferred, self._head_deferred = self._head_deferred, False
        if self._head != self._published_head or self._silent_ticks >= SILENT_TICKS_MAX:
            self._publish_head()
            self.changed.set()
        elif deferred:
            self.changed.set()

    def ping(self) -> None:
        """Send a ping to each subscriber that gets no event in this round, to keep its connection open."""
        self._pings += 1
        self.changed.set()

    def close(self) -> None:
        """End all streams, and accept no new streams."""
        self.closed = True
        self.changed.set()

    def next_bytes(self, subscriber: Subscriber) -> bytes:
        """Return the bytes to send to this subscriber now; empty if there is nothing to send.

        The returned bytes count as sent, so the caller must send them.
        """
        data = self._events(subscriber)
        if not data and subscriber.pings_sent != self._pings:
            data = PING
        subscriber.pings_sent = self._pings
        return data

    def _events(self, subscriber: Subscriber) -> bytes:
        if not self._board_state.ready or self._is_ahead(subscriber):
            return b""
        data = self._rows(subscriber)
        if data:
            subscriber.head_number, subscriber.state = self._head_number, self._head.state
            subscriber.rows_tick = self._ticks
        if subscriber.milestones_sent != self._milestones.arrivals:
            data += self._crossings(subscriber)
        if subscriber.head_number != self._head_number and not self._defer_head(subscriber):
            data += self._state(subscriber)
            subscriber.head_number, subscriber.state = self._head_number, self._head.state
        return data

    def _defer_head(self, subscriber: Subscriber) -> bool:
        """Whether the head can wait for the next tick.

        It can wait if the subscriber was sent rows since the previous tick. These rows came with a head, and
        that head must have had the same freshness state.
        """
        deferred = subscriber.rows_tick == self._ticks - 1 and subscriber.state is self._head.state
        self._head_deferred |= deferred
        return deferred

    def _crossings(self, subscriber: Subscriber) -> bytes:
        since, subscriber.milestones_sent = subscriber.milestones_sent, self._milestones.arrivals
        key = (subscriber.scope, "milestones", since)
        if key not in self._shared:
            self._shared[key] = b"".join(
                self._event("milestone", crossing_body(self._board_state.regions, crossing))
                for crossing in self._milestones.arrived_since(since, subscriber.scope)
            )
        return self._shared[key]

    def _is_ahead(self, subscriber: Subscriber) -> bool:
        """Whether another board has sent this viewer a cut that this board has not read yet."""
        return subscriber.last_version is not None and subscriber.last_version > self._board_state.version

    def _rows(self, subscriber: Subscriber) -> bytes:
        """Return a delta with all changes since the rows that the subscriber has.

        If it is unknown which rows the subscriber has, return a snapshot.
        """
        if subscriber.serial is None and subscriber.last_version is not None:
            subscriber.serial = self._board_state.serial_of(subscriber.last_version)
        since, subscriber.serial = subscriber.serial, self._board_state.serial
        subscriber.last_version = None
        if since == self._board_state.serial:
            return b""
        key = (subscriber.scope, subscriber.depth, since)
        if key not in self._shared:
            self._shared[key] = self._encode_rows(*key)
        return self._shared[key]

    def _encode_rows(self, scope: str, depth: str, since: int | None) -> bytes:
        board_state = self._board_state
        if since is None:
            regions = board_state.list_regions(scope, depth=depth)
            return self._event("snapshot", counts_body(board_state, scope, self._head, regions))
        regions = board_state.changed_since(scope, since, depth)
        return self._event("delta", counts_body(board_state, scope, self._head, regions)) if regions else b""

    def _state(self, subscriber: Subscriber) -> bytes:
        key = (subscriber.scope, "", None)
        if key not in self._shared:
            self._shared[key] = self._event("state", head_body(subscriber.scope, self._head))
        return self._shared[key]

    def _event(self, name: str, data: dict[str, object]) -> bytes:
        EVENTS.labels(name).inc()
        return encode_event(name, encode(data), self._board_state.cuts.id)

    def _refresh_head(self) -> None:
        self._head = self._board_state.head(self._clock())
        self._shared.clear()

    def _publish_head(self) -> None:
        self._published_head = self._head
        self._head_number += 1
        self._silent_ticks = 0

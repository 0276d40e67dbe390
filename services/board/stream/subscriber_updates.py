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

from board.metrics import VIEWERS
from board.state.counts import BoardState, Head, Version
from board.state.milestones import Milestones
from board.stream.shared_events import SharedEvents
from board.stream.sse_events import PING
from cuts.freshness import FreshnessState

SILENT_TICKS_MAX: Final = 2
"""An unchanged head is sent again after this many ticks, because a page replaces a stream that is silent."""
PACE_TICKS: Final = 5
"""A viewer is sent a changed pace at most once in this many ticks."""
RESET_TICKS: Final = 6
"""A viewer ahead of this board is reset after this many ticks, if the board received records all the time.

This is longer than a replica needs to read what it missed.
"""


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
    milestones_listed: bool = False
    """Whether the list of the newest milestones was sent."""
    pace_number: int = 0
    """The number of the last pace that was sent."""
    pace_tick: int = -PACE_TICKS
    """The tick at which a pace was last sent, or had not changed."""
    ahead_tick: int | None = None
    """The tick at which the viewer was first found to be ahead of this board."""
    serial: int | None = None
    """The serial of the last rows that were sent."""
    head_number: int = -1
    """The number of the last head, or of the last ping in its place, that was sent."""
    state: FreshnessState | None = None
    """The freshness in the last head that was sent."""
    rows_tick: int | None = None
    """The tick at which rows were last sent; a head is always sent with rows."""


class Subscriptions:
    """Counts the open streams, and decides what each subscriber is sent; only `next_bytes` decides this."""

    def __init__(
        self,
        board_state: BoardState,
        milestones: Milestones,
        events: SharedEvents,
        clock: Callable[[], float],
        viewers_max: int,
    ) -> None:
        self._board_state = board_state
        self._milestones = milestones
        self._events = events
        self._clock = clock
        self._viewers_max = viewers_max
        self._viewers = 0
        self._head_number = 0
        self._ticks = 0
        self._silent_ticks = 0
        self._stale_tick = 0
        """The last tick at which the counts were stale."""
        self._head_deferred = False
        self._refresh_head()
        self._published_head = self._head
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
        return Subscriber(scope, depth, last_version, self._milestones.arrivals)

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
        self._ticks += 1
        self._refresh_head()
        self._silent_ticks += 1
        deferred, self._head_deferred = self._head_deferred, False
        if self._head != self._published_head or self._silent_ticks >= SILENT_TICKS_MAX:
            self._publish_head()
            self.changed.set()
        elif deferred:
            self.changed.set()

    def close(self) -> None:
        """End all streams, and accept no new streams."""
        self.closed = True
        self.changed.set()

    def next_bytes(self, subscriber: Subscriber) -> bytes:
        """Return the bytes to send to this subscriber now; empty if there is nothing to send.

        The returned bytes count as sent, so the caller must send them.
        """
        if not self._board_state.ready:
            return self._ping(subscriber)
        data = b""
        if subscriber.last_version is not None and subscriber.last_version > self._board_state.version:
            if not self._must_reset(subscriber):
                return self._ping(subscriber)
            subscriber.last_version = None
            data = self._events.reset(subscriber.scope)
        join = self._events.join
        rows = self._rows(subscriber)
        if rows:
            data = join(data, rows)
            subscriber.head_number, subscriber.state = self._head_number, self._head.state
            subscriber.rows_tick = self._ticks
        if self._lacks_head(subscriber) and not self._defer_head(subscriber):
            data = join(data, self._events.state(subscriber.scope))
            subscriber.head_number, subscriber.state = self._head_number, self._head.state
        if subscriber.milestones_sent != self._milestones.arrivals or not subscriber.milestones_listed:
            data = join(data, self._milestones_of(subscriber))
        if self._ticks - subscriber.pace_tick >= PACE_TICKS:
            data = join(data, self._pace(subscriber))
        return data

    def _ping(self, subscriber: Subscriber) -> bytes:
        """Return a ping in place of each published head, so that the viewer keeps this stream."""
        if subscriber.head_number == self._head_number:
            return b""
        subscriber.head_number = self._head_number
        return PING

    def _must_reset(self, subscriber: Subscriber) -> bool:
        """Whether this board will never read the viewer's higher cut, because the topics were created again.

        A replica that is only late reads the cut as soon as it receives records again.
        """
        if subscriber.ahead_tick is None:
            subscriber.ahead_tick = self._ticks
        return self._ticks - max(subscriber.ahead_tick, self._stale_tick) >= RESET_TICKS

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
        return self._events.rows(subscriber.scope, subscriber.depth, since)

    def _milestones_of(self, subscriber: Subscriber) -> bytes:
        """Return the milestones that have arrived, and the list of the newest, if it was not sent yet."""
        since, subscriber.milestones_sent = subscriber.milestones_sent, self._milestones.arrivals
        arrived = self._events.crossings(subscriber.scope, since)
        if subscriber.milestones_listed and not arrived:
            return b""
        subscriber.milestones_listed = True
        return self._events.join(arrived, self._events.newest_milestones(subscriber.scope))

    def _pace(self, subscriber: Subscriber) -> bytes:
        former, subscriber.pace_tick = subscriber.pace_number, self._ticks
        subscriber.pace_number = self._events.pace_number(subscriber.scope, self._ticks)
        return b"" if subscriber.pace_number == former else self._events.pace(subscriber.scope)

    def _lacks_head(self, subscriber: Subscriber) -> bool:
        """Whether the subscriber was sent another head, or nothing but pings."""
        return subscriber.head_number != self._head_number or subscriber.state is None

    def _defer_head(self, subscriber: Subscriber) -> bool:
        """Whether the head can wait for the next tick.

        It can wait if the subscriber was sent rows since the previous tick. These rows came with a head, and
        that head must have had the same freshness state.
        """
        deferred = subscriber.rows_tick == self._ticks - 1 and subscriber.state is self._head.state
        self._head_deferred |= deferred
        return deferred

    def _refresh_head(self) -> None:
        self._head = self._board_state.head(self._clock())
        self._events.renew(self._head)
        if self._head.state is FreshnessState.STALE:
            self._stale_tick = self._ticks

    def _publish_head(self) -> None:
        self._published_head = self._head
        self._head_number += 1
        self._silent_ticks = 0

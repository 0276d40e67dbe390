"""Sends every subscriber its newest events.

After every SENDS_PER_YIELD subscribers, the event loop can run other tasks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from board.stream.subscriber_updates import Subscriber, Subscriptions
from board.stream.viewer_connection import StreamConnection, chunk

SENDS_PER_YIELD: Final = 200
BLOCKED_S_MAX: Final = 30.0
"""If a viewer leaves bytes unread for this long, its connection is closed."""


class Broadcaster:
    """Sends events on the connections of all subscribers, except on connections that have unread bytes."""

    def __init__(self, subscriptions: Subscriptions, clock: Callable[[], float]) -> None:
        self._subscriptions = subscriptions
        self._clock = clock
        self._subscribers: dict[StreamConnection, Subscriber] = {}
        self._chunks: dict[bytes, bytes] = {}

    def add(self, subscriber: Subscriber, hand_over: Callable[[StreamConnection], None]) -> None:
        """Serve a new subscriber. `hand_over` gives the subscriber's TCP connection to a StreamConnection."""
        connection = StreamConnection(self._send, self._remove, self._clock)
        self._subscribers[connection] = subscriber
        hand_over(connection)
        if self._subscriptions.closed:
            connection.end()
        elif connection.blocked_since_s is None:
            self._send(connection)

    async def run(self) -> None:
        """Send to all subscribers after every change. End all responses when the subscriptions are closed."""
        while not self._subscriptions.closed:
            await self._subscriptions.changed.wait()
            self._subscriptions.changed.clear()
            await self._send_to_all()
        for connection in list(self._subscribers):
            connection.end()

    async def _send_to_all(self) -> None:
        self._chunks.clear()
        now_s = self._clock()
        for number, connection in enumerate(list(self._subscribers), 1):
            if connection.blocked_since_s is None:
                self._send(connection)
            elif now_s - connection.blocked_since_s > BLOCKED_S_MAX:
                connection.abort()
            if number % SENDS_PER_YIELD == 0:
                await asyncio.sleep(0)

    def _send(self, connection: StreamConnection) -> None:
        subscriber = self._subscribers.get(connection)
        if subscriber is None:  # the subscriber has disconnected during this round
            return
        data = self._subscriptions.next_bytes(subscriber)
        if data:
            framed = self._chunks.get(data)
            if framed is None:
                framed = self._chunks[data] = chunk(data)
            connection.send(framed)

    def _remove(self, connection: StreamConnection) -> None:
        if self._subscribers.pop(connection, None) is not None:
            self._subscriptions.remove()

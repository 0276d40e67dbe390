"""Hands every viewer what is newest for it, so few at a time that other things get done in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from board.stream.connection_handover import StreamConnection, chunk
from board.stream.subscriptions import Subscriber, Subscriptions

AT_A_TIME: Final = 200
FULL_S_MAX: Final = 30.0
"""A viewer that takes nothing for so long is let go."""


class Broadcaster:
    """The lines of all viewers. A line is never sent more than its viewer has taken."""

    def __init__(self, audience: Subscriptions, clock: Callable[[], float]) -> None:
        self._audience = audience
        self._clock = clock
        self._viewers: dict[StreamConnection, Subscriber] = {}
        self._chunks: dict[bytes, bytes] = {}

    def begin(self, viewer: Subscriber, hand_over: Callable[[StreamConnection], None]) -> None:
        """Deliver to a viewer that has come in, on the connection that its line is handed."""
        line = StreamConnection(self._serve, self._leave, self._clock)
        self._viewers[line] = viewer
        hand_over(line)
        if self._audience.closed:
            line.end()
        elif line.full_since_s is None:
            self._serve(line)

    async def run(self) -> None:
        """Deliver until the audience is closed, then end all answers."""
        while not self._audience.closed:
            await self._audience.news.wait()
            self._audience.news.clear()
            await self._round()
        for line in list(self._viewers):
            line.end()

    async def _round(self) -> None:
        self._chunks.clear()
        now_s = self._clock()
        for number, line in enumerate(list(self._viewers), 1):
            if line.full_since_s is None:
                self._serve(line)
            elif now_s - line.full_since_s > FULL_S_MAX:
                line.abort()
            if number % AT_A_TIME == 0:
                await asyncio.sleep(0)

    def _serve(self, line: StreamConnection) -> None:
        viewer = self._viewers.get(line)
        if viewer is None:  # it left while others were served
            return
        data = self._audience.take(viewer)
        if data:
            framed = self._chunks.get(data)
            if framed is None:
                framed = self._chunks[data] = chunk(data)
            line.send(framed)

    def _leave(self, line: StreamConnection) -> None:
        if self._viewers.pop(line, None) is not None:
            self._audience.leave()

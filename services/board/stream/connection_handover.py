"""Takes a viewer's connection over from the HTTP server, once the head of its answer is written.

From then on no task, no queue and no message per event stand between a viewer and the bytes that all share:
what is new is written to the transport, in chunks as the head announced (RFC 9112, 7.1). The transport says
when it holds bytes that the viewer has not taken, and nothing is written until it holds none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

EXTENSION: Final = "board.handover"
"""In a request's scope: a function that takes a Line, which has the connection from then on."""
LAST_CHUNK: Final = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Data as one chunk of an answer."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class StreamConnection(asyncio.Protocol):
    """A connection that is only written to; `full_since_s` while it holds bytes that were not taken."""

    __slots__ = ("_clock", "_lost", "_resumed", "_transport", "full_since_s")

    def __init__(
        self,
        resumed: Callable[[StreamConnection], None],
        lost: Callable[[StreamConnection], None],
        clock: Callable[[], float],
    ) -> None:
        self._resumed = resumed
        self._lost = lost
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self.full_since_s: float | None = None

    def take_over(self, transport: asyncio.Transport) -> None:
        """Have this connection from now on; what the server still had to write goes first."""
        self._transport = transport
        transport.set_protocol(self)
        transport.set_write_buffer_limits(high=0)

    def send(self, data: bytes) -> None:
        """Write a chunk; only where the line is not full."""
        assert self._transport is not None, "nobody sends before the hand-over"
        self._transport.write(data)

    def end(self) -> None:
        """End the answer as it should end, and close."""
        if self._transport is not None:
            self._transport.write(LAST_CHUNK)
            self._transport.close()

    def abort(self) -> None:
        """Close at once, and forget what was not taken."""
        if self._transport is not None:
            self._transport.abort()

    def pause_writing(self) -> None:
        """The viewer has not taken all: until it has, it gets nothing more."""
        self.full_since_s = self._clock()

    def resume_writing(self) -> None:
        """The viewer has taken all."""
        self.full_since_s = None
        self._resumed(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The viewer went, or was let go."""
        self._transport = None
        self._lost(self)


class HandoverProtocol(HttpToolsProtocol):
    """The server's protocol, which lets an answer that has begun have its connection."""

    def on_message_begin(self) -> None:
        """Offer the hand-over with each request."""
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # what a server offers is its own
        scope["extensions"] = {EXTENSION: self._hand_over}

    def _hand_over(self, line: StreamConnection) -> None:
        if self.transport.is_closing():
            line.connection_lost(None)
            return
        # The application's task may end now: the server takes it for one whose client has gone.
        self.cycle.disconnected = True
        self.connections.discard(self)
        line.take_over(self.transport)
        # The scope holds this object and this object the scope: only the collector would part them.
        self.parser = self.scope = self.cycle = None  # type: ignore[assignment]

"""Takes a viewer's connection over from the HTTP server after the headers of the response are written.

After the takeover, no event needs a task, queue or message for each viewer. The bytes, which are the same for
many viewers, are written directly to each viewer's transport, as chunks (RFC 9112, 7.1). The transport
reports when it holds bytes that the viewer has not read. Nothing more is written until the transport holds no
bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from lifecycle.bounded_http_protocol import BoundedHttpProtocol

EXTENSION: Final = "board.handover"
"""The name of an ASGI extension. Its value is a function that gives a connection to a StreamConnection."""
LAST_CHUNK: Final = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return `data` as one chunk of the chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class StreamConnection(asyncio.Protocol):
    """A connection that is only written to.

    `blocked_since_s` is the time since which the viewer has unread bytes; None if it has read everything.
    """

    __slots__ = ("_clock", "_on_closed", "_on_writable", "_transport", "blocked_since_s")

    def __init__(
        self,
        on_writable: Callable[[StreamConnection], None],
        on_closed: Callable[[StreamConnection], None],
        clock: Callable[[], float],
    ) -> None:
        self._on_writable = on_writable
        self._on_closed = on_closed
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self.blocked_since_s: float | None = None

    def take_over(self, transport: asyncio.Transport) -> None:
        """Write to this transport from now on. Bytes that the server has already buffered are sent first."""
        self._transport = transport
        transport.set_protocol(self)
        transport.set_write_buffer_limits(high=0)

    def send(self, data: bytes) -> None:
        """Write one chunk. Call it only while `blocked_since_s` is None."""
        assert self._transport is not None, "a connection is sent to only after its hand-over"
        self._transport.write(data)

    def end(self) -> None:
        """End the response with its last chunk, and close the connection."""
        if self._transport is not None:
            self._transport.write(LAST_CHUNK)
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once, and drop the bytes that the viewer has not read."""
        if self._transport is not None:
            self._transport.abort()

    def pause_writing(self) -> None:
        """Called by the transport when the viewer has not read everything."""
        self.blocked_since_s = self._clock()

    def resume_writing(self) -> None:
        """Called by the transport when the viewer has read everything."""
        self.blocked_since_s = None
        self._on_writable(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the transport when either side has closed the connection."""
        self._transport = None
        self._on_closed(self)


class HandoverProtocol(BoundedHttpProtocol):
    """The services' HTTP protocol, which can also hand over the connection of a response that has begun."""

    def on_message_begin(self) -> None:
        """Add the function that hands the connection over to each request, as an ASGI extension."""
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # uvicorn's type lacks custom extensions
        scope["extensions"] = {EXTENSION: self._hand_over}

    def _hand_over(self, connection: StreamConnection) -> None:
        if self.transport.is_closing():
            connection.connection_lost(None)
            return
        # Otherwise uvicorn would report an error, because the request's task ends before the response.
        self.cycle.disconnected = True
        self.stop_timing()
        self.connections.discard(self)
        connection.take_over(self.transport)
        # The scope and this object refer to each other. Without this line, only the garbage collector would
        # free them.
        self.parser = self.scope = self.cycle = None  # type: ignore[assignment]

"""The HTTP protocol of all services: it bounds the head of a request, and the time that a client may take.

The proxy in front of the services has limits of its own; these limits hold without a proxy, too. The limit of
a body depends on the route: see `problems.body_limit`.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX: Final = 16_384
"""Request line and headers together."""
HEAD_S_MAX: Final = 10.0
"""From the opening of a connection, or from the first byte of a later request, to the end of its head."""
BODY_BYTES_PER_S_MIN: Final = 4_096
"""Each second, a body must bring this many bytes, beyond the time in HEAD_S_MAX."""
UNREAD_S_MAX: Final = 30.0
"""How long a client may leave a response unread."""
DISCARDED_BYTES_MAX: Final = 1 << 20
"""Bytes of a body that may still arrive after its request was answered."""
CHECK_EVERY_S: Final = 2.0
NO_BODY: Final = b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
HEAD_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large" + NO_BODY
TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout" + NO_BODY


class HeadTooLargeError(Exception):
    """The head of a request exceeds HEAD_BYTES_MAX."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """A connection that is closed if its client sends an excessive head, or sends or reads too slowly."""

    head_s_max = HEAD_S_MAX
    unread_s_max = UNREAD_S_MAX
    check_every_s = CHECK_EVERY_S

    _head_complete = False
    _fed_bytes = 0
    """Bytes received since the end of the last request, until the head is complete."""
    _body_bytes = 0
    _owed_since: float | None = None
    """The time since which the client owes a request, or the rest of it; None if the request is complete."""
    _unread_since: float | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin to measure the client's time."""
        super().connection_made(transport)
        self.headers, self.url = [], b""  # uvicorn sets them only when a request begins
        self._owed_since = self.loop.time()
        self._timer = self.loop.call_later(self.check_every_s, self._check_times)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop measuring."""
        self.stop_timing()
        super().connection_lost(exc)

    def stop_timing(self) -> None:
        """Measure the client's time no longer, because the connection has ended or is handed over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def data_received(self, data: bytes) -> None:
        """Refuse a head that is incomplete after HEAD_BYTES_MAX."""
        if not self._head_complete:
            self._fed_bytes += len(data)
        super().data_received(data)
        if not self._head_complete and self._fed_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self._refuse(HEAD_TOO_LARGE)

    def send_400_response(self, msg: str) -> None:
        """Answer a malformed request, or one whose head is too large."""
        if self._head_bytes() > HEAD_BYTES_MAX:
            self._refuse(HEAD_TOO_LARGE)
        else:
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        """Measure the time of the request from here."""
        self._owed_since = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Refuse a complete head of more than HEAD_BYTES_MAX. The parser turns the error into a refusal."""
        self._head_complete = True
        if self._fed_bytes > HEAD_BYTES_MAX and self._head_bytes() > HEAD_BYTES_MAX:
            raise HeadTooLargeError
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Close the connection if the body of an answered request does not end."""
        self._body_bytes += len(body)
        if self._body_bytes > DISCARDED_BYTES_MAX and self.cycle.response_complete:
            self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect the next request."""
        self._head_complete, self._fed_bytes, self._body_bytes = False, 0, 0
        self._owed_since = None
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Called by the transport when the client has not read the response."""
        self._unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Called by the transport when the client has read the response."""
        self._unread_since = None
        super().resume_writing()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _check_times(self) -> None:
        self._timer = self.loop.call_later(self.check_every_s, self._check_times)
        now = self.loop.time()
        if self._unread_since is not None and now - self._unread_since > self.unread_s_max:
            self.transport.abort()
        elif self._owed_since is None or self.flow.read_paused or self.transport.is_closing():
            return  # the request is complete, or the application holds its body back
        elif now - self._owed_since > self.head_s_max + self._body_bytes / BODY_BYTES_PER_S_MIN:
            self._refuse(TOO_SLOW)

    def _refuse(self, response: bytes) -> None:
        """Close the connection, after the response if none has begun."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(response)
        self.transport.close()

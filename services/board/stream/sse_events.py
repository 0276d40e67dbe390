"""Encodes server-sent events and decodes their ids.

Source: WHATWG HTML, 9.2 Server-sent events. An id is "<term>.<cut>".
"""

from __future__ import annotations

import re
from typing import Final

PING: Final = b"event: ping\ndata: {}\n\n"
"""An event, because a page does not receive comments; without an id, because it contains no cut."""
OPENING: Final = b"retry: 2000\n\n"
_ID: Final = re.compile(r"(\d{1,18})\.(\d{1,18})")


def encode_event(name: str, data: bytes, event_id: str) -> bytes:
    """Return one encoded event. `data` is JSON on one line."""
    return b"event: %b\nid: %b\ndata: %b\n\n" % (name.encode(), event_id.encode(), data)


def encode_refusal(problem: bytes, retry_ms: int) -> bytes:
    """Return the whole stream of a refused viewer. `problem` is JSON on one line."""
    return b"retry: %d\n\nevent: problem\ndata: %b\n\n" % (retry_ms, problem)


def parse_id(text: str | None) -> tuple[int, int] | None:
    """Return the term and the cut in an event id; None if there is no id or the id is malformed."""
    match = _ID.fullmatch(text or "")
    return (int(match[1]), int(match[2])) if match else None

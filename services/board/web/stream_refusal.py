"""Refuses a stream for a while, in a way that an EventSource repeats.

Source: WHATWG HTML, 9.2.3. An EventSource closes for good after a response with an error status. It connects
again, after the time that `retry` gives, when a response with status 200 ends.
"""

from __future__ import annotations

from secrets import randbelow
from typing import Final

from fastapi import Request, Response

from board.json_bodies import encode
from board.stream.sse_events import encode_refusal
from board.stream.sse_response import StreamResponse
from problems.problem import Problem, language_of

RETRY_MS_MIN: Final = 5_000
RETRY_MS_SPREAD: Final = 5_000
"""The viewers of a replica that ended come back spread over this time."""


def refused_stream(request: Request, problem: Problem) -> Response:
    """Return a stream that ends after one event with the problem. Raises the problem for other clients."""
    if StreamResponse.media_type not in request.headers.get("accept", ""):
        raise problem
    retry_ms = RETRY_MS_MIN + randbelow(RETRY_MS_SPREAD)
    body = encode(problem.body(language_of(request.headers.get("accept-language"))))
    return Response(
        encode_refusal(body, retry_ms), 200, {"Cache-Control": "no-store"}, StreamResponse.media_type
    )

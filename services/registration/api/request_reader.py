"""Reads a request: its body, and the headers Idempotency-Key, If-Match and traceparent."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Final

from fastapi import Request

from registration.api import problem_responses
from registration.api.operation_submission import ReceivedRequest
from registration.auth.callers import Caller
from registration.domain.cloud_event import valid_traceparent

IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
# A revision, in quotes as the API sends it in ETag, or without quotes.
IF_MATCH: Final = re.compile(r'(?:"(\d{1,9})"|(\d{1,9}))')


async def read_request(caller: Caller, request: Request) -> ReceivedRequest:
    """Read the body and the headers of a request.

    Raises Problem 400 for malformed headers, or Problem 413 for an over-long body.
    """
    address = request.client.host if request.client is not None else ""
    body = await request.body()
    return received_request(caller, address, request.scope["path"], request.headers.get, body)


def received_request(
    caller: Caller, address: str, path: str, header: Callable[[str], str | None], body: bytes
) -> ReceivedRequest:
    """Return the parsed request. `header` returns the value of a header by its lower-case name.

    Raises Problem 400 for malformed headers.
    """
    return ReceivedRequest(
        caller=caller,
        address=address,
        key=idempotency_key(header("idempotency-key")),
        body=body,
        path=path,
        if_match=if_match_revision(header("if-match")),
        traceparent=valid_traceparent(header("traceparent")),
    )


def idempotency_key(header: str | None) -> str:
    """Return the idempotency key in the header; without the header, a new key for this request only.

    Raises Problem 400 if the header is malformed.
    """
    if header is None:
        return f"attempt:{uuid.uuid4()}"
    if IDEMPOTENCY_KEY.fullmatch(header) is None:
        raise problem_responses.problem(400, "idempotency-key", problem_responses.BAD_IDEMPOTENCY_KEY)
    return header


def if_match_revision(header: str | None) -> int | None:
    """Return the revision that the header If-Match requires; None if it accepts every revision.

    Raises Problem 400 if the header is malformed.
    """
    if header is None or header.strip() == "*":
        return None
    match = IF_MATCH.fullmatch(header.strip())
    if match is None:
        raise problem_responses.problem(400, "if-match", problem_responses.BAD_IF_MATCH)
    return int(match.group(1) or match.group(2))

"""What the register reads from a request beside its body: the caller, keys and conditions in headers."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Final

from fastapi import Request

from registration.api import problem_responses
from registration.api.registrations import ReceivedRequest
from registration.auth.api_keys import PUBLIC, ApiKeys, Caller, Role
from registration.domain.event import valid_traceparent

IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
# An entity tag as we send it, or the revision alone; `*` asks for no certain one.
IF_MATCH: Final = re.compile(r'(?:"(\d{1,9})"|(\d{1,9}))')


class Authenticator:
    """Recognises the callers of requests."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    async def anybody(self, request: Request) -> Caller:
        """The key's holder, or the public where no key came. Raises Problem 401 for a wrong key."""
        return await self.holder(request.headers.get("authorization"))

    async def holder(self, header: str | None) -> Caller:
        """As `anybody`, for the header `Authorization`."""
        if header is None:
            return PUBLIC
        scheme, _, key = header.partition(" ")
        caller = await self._keys.caller(key.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            raise problem_responses.plain(
                401, "unauthorized", problem_responses.WRONG_KEY, {"WWW-Authenticate": "Bearer"}
            )
        return caller

    async def at_least(self, role: Role, request: Request) -> Caller:
        """A caller who may do what `role` may. Raises Problem 401 or 403."""
        caller = await self.anybody(request)
        if caller.role is None:
            raise problem_responses.plain(
                401, "unauthorized", problem_responses.NO_KEY, {"WWW-Authenticate": "Bearer"}
            )
        if caller.role < role:
            raise problem_responses.plain(403, "forbidden", problem_responses.ROLE_TOO_LOW)
        return caller


async def sent_by(caller: Caller, request: Request) -> ReceivedRequest:
    """The request with its body read. Raises Problem: 400 for headers that say nothing, 413."""
    address = request.client.host if request.client is not None else ""
    body = await request.body()
    return sent(caller, address, request.scope["path"], request.headers.get, body)


def sent(
    caller: Caller, address: str, path: str, header: Callable[[str], str | None], body: bytes
) -> ReceivedRequest:
    """A request whose body is read; `header` gives one by its name in lower case. Raises Problem 400."""
    return ReceivedRequest(
        caller=caller,
        address=address,
        key=idempotency_key(header("idempotency-key")),
        body=body,
        path=path,
        if_match=revision_of(header("if-match")),
        traceparent=valid_traceparent(header("traceparent")),
    )


def idempotency_key(header: str | None) -> str:
    """The caller's key, or one for this attempt alone."""
    if header is None:
        return f"attempt:{uuid.uuid4()}"
    if IDEMPOTENCY_KEY.fullmatch(header) is None:
        raise problem_responses.plain(400, "idempotency-key", problem_responses.BAD_IDEMPOTENCY_KEY)
    return header


def revision_of(header: str | None) -> int | None:
    """The revision that If-Match asks for."""
    if header is None or header.strip() == "*":
        return None
    match = IF_MATCH.fullmatch(header.strip())
    if match is None:
        raise problem_responses.plain(400, "if-match", problem_responses.BAD_IF_MATCH)
    return int(match.group(1) or match.group(2))

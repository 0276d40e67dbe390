"""Identifies the caller of a request by its API key."""

from __future__ import annotations

from fastapi import Request

from registration.api import problem_responses
from registration.auth.api_keys import ApiKeys
from registration.auth.callers import PUBLIC, Caller, Role


class Authenticator:
    """Identifies callers by the API key in `Authorization: Bearer …`."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return the holder of the API key in the header `Authorization`, or PUBLIC without the header.

        Raises Problem 401 for a wrong key.
        """
        if authorization is None:
            return PUBLIC
        scheme, _, key = authorization.partition(" ")
        caller = await self._keys.identify(key.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            raise problem_responses.problem(
                401, "unauthorized", problem_responses.WRONG_KEY, {"WWW-Authenticate": "Bearer"}
            )
        return caller

    async def require_role(self, role: Role, request: Request) -> Caller:
        """Return the caller, who must have `role` or a higher role.

        Raises Problem 401 if the request has no valid API key, or Problem 403 if the caller's role is lower.
        """
        caller = await self.authenticate(request.headers.get("authorization"))
        if caller.role is None:
            raise problem_responses.problem(
                401, "unauthorized", problem_responses.NO_KEY, {"WWW-Authenticate": "Bearer"}
            )
        if caller.role < role:
            raise problem_responses.problem(403, "forbidden", problem_responses.ROLE_TOO_LOW)
        return caller

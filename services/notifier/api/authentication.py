"""Authentication: the officers' access key, and the tokens of acknowledgement links."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from typing import Annotated, Final

from fastapi import Header
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from problems.fastapi_handlers import respond
from problems.problem import Problem

MAC_BYTES: Final = 16
KEY_NEEDED: Final = {"id": "Kunci akses petugas diperlukan.", "en": "An officer's access key is required."}


class OfficerKey:
    """The access key that all officers share, stored as its SHA-256.

    The key is random, so a slow password hash is not needed. If no hash is configured, no key is accepted.
    """

    def __init__(self, sha256_hex: str | None) -> None:
        self._expected = sha256_hex

    def authenticate(self, authorization: str | None) -> str:
        """Return the caller's name, from which ids are derived together with the idempotency key.

        Raises Problem 401 if the access key is missing or wrong.
        """
        scheme, _, key = (authorization or "").partition(" ")
        given = hashlib.sha256(key.strip().encode()).hexdigest()
        if scheme.lower() == "bearer" and self._expected and hmac.compare_digest(given, self._expected):
            return "officer"
        raise Problem(401, "unauthorized", KEY_NEEDED, headers={"WWW-Authenticate": "Bearer"})

    async def caller(
        self, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
    ) -> str:
        """Authenticate as a FastAPI dependency, which precedes the validation of the body."""
        return self.authenticate(authorization)


class KeyBeforeBody:
    """ASGI middleware that refuses a change without the officers' access key before any of its body is read.

    Every request under /v1 that is no GET, HEAD or OPTIONS is a change, and needs the key.
    """

    def __init__(self, app: ASGIApp, officer_key: OfficerKey) -> None:
        self._app = app
        self._officer_key = officer_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with 401 if a change has no valid key; otherwise pass the request on."""
        is_change = scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if is_change and scope["path"].startswith("/v1/"):
            try:
                self._officer_key.authenticate(Headers(scope=scope).get("authorization"))
            except Problem as problem:
                await respond(Request(scope), problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class AcknowledgementLinks:
    """Makes and checks the tokens of acknowledgement links.

    A token is a message's id followed by a MAC, so that nobody without the secret can forge it.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def token(self, message_id: uuid.UUID) -> str:
        """Return the token of a message: 43 characters that are safe in a URL."""
        return base64.urlsafe_b64encode(message_id.bytes + self._mac(message_id.bytes)).decode().rstrip("=")

    def message_id(self, token: str) -> uuid.UUID | None:
        """Return the id of the message that a token belongs to; None if the token is invalid."""
        try:
            content = base64.urlsafe_b64decode(token.encode("ascii") + b"=")
        except (binascii.Error, ValueError):
            return None
        if len(content) != 16 + MAC_BYTES or not hmac.compare_digest(content[16:], self._mac(content[:16])):
            return None
        return uuid.UUID(bytes=content[:16])

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, b"acknowledge\x00" + content, "sha256")[:MAC_BYTES]

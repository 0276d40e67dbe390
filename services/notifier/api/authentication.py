"""Who may change something: the officers' key, and the links in letters."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from typing import Final

from problems.problem import Problem

MAC_BYTES: Final = 16
KEY_NEEDED: Final = {"id": "Kunci akses petugas diperlukan.", "en": "An officer's access key is required."}


class OfficerKey:
    """The one key of the officers, known by its SHA-256 alone (it is random, so no slow hash is needed)."""

    def __init__(self, sha256_hex: str | None) -> None:
        self._expected = sha256_hex

    def require(self, authorization: str | None) -> str:
        """The caller's name for idempotency. Raises Problem 401 where the key is missing or wrong."""
        scheme, _, key = (authorization or "").partition(" ")
        given = hashlib.sha256(key.strip().encode()).hexdigest()
        if scheme.lower() == "bearer" and self._expected and hmac.compare_digest(given, self._expected):
            return "officer"
        raise Problem(401, "unauthorized", KEY_NEEDED, headers={"WWW-Authenticate": "Bearer"})


class AcknowledgementLinks:
    """Tokens for letters: the message's id with a keyed check, so nobody can make or guess one."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def token(self, message_id: uuid.UUID) -> str:
        """43 characters that are safe in a URL."""
        return base64.urlsafe_b64encode(message_id.bytes + self._mac(message_id.bytes)).decode().rstrip("=")

    def message_id(self, token: str) -> uuid.UUID | None:
        """The message a token stands for; None where it is not one of ours."""
        try:
            content = base64.urlsafe_b64decode(token.encode("ascii") + b"=")
        except (binascii.Error, ValueError):
            return None
        if len(content) != 16 + MAC_BYTES or not hmac.compare_digest(content[16:], self._mac(content[:16])):
            return None
        return uuid.UUID(bytes=content[:16])

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, b"acknowledge\x00" + content, "sha256")[:MAC_BYTES]

"""Seals what must not be read, and fingerprints what must be found or compared without being known.

All keys are derived from one secret (HKDF-SHA256, RFC 5869), so that none serves two purposes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_BYTES: Final = 32
NONCE_BYTES: Final = 12
KEY_ID_CHARACTERS: Final = 12


class WrongKeyError(Exception):
    """A sealed value was sealed under another key, or for another place, or was changed.

    Compare `participant.cipher_key_id` with the key id the process logs at its start.
    """


def secret_from_text(text: str) -> bytes:
    """The secret of its base64 form; raises ValueError, without the text, where it is not 32 bytes."""
    try:
        secret = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("must be base64") from None
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"must be {SECRET_BYTES} bytes in base64, as `openssl rand -base64 32` prints them")
    return secret


class Cipher:
    """The register's keys. Sealing is AES-256-GCM with a random nonce in front."""

    def __init__(self, secret: bytes) -> None:
        self._nik = hmac.new(_derived(secret, b"nik hmac"), digestmod=hashlib.sha256)
        self._body = hmac.new(_derived(secret, b"body hmac"), digestmod=hashlib.sha256)
        self._file = hmac.new(_derived(secret, b"file hmac"), digestmod=hashlib.sha256)
        self._aead = AESGCM(_derived(secret, b"personal data"))
        self.key_id: Final = _derived(secret, b"key id").hex()[:KEY_ID_CHARACTERS]

    def nik_hmac(self, nik: str) -> bytes:
        """The fingerprint by which a NIK is found: 32 bytes."""
        digest = self._nik.copy()
        digest.update(nik.encode())
        return digest.digest()

    def body_hmac(self, *parts: bytes) -> bytes:
        """The fingerprint of a request; parts are told apart by their lengths."""
        digest = self._body.copy()
        for part in parts:
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.digest()

    def file_hmac(self) -> hmac.HMAC:
        """A fresh keyed digest for a file: `update` it piece by piece, then take `hexdigest()`."""
        return self._file.copy()

    def seal(self, text: str, place: bytes) -> bytes:
        """Encrypt; `place` (column, NIK fingerprint) is bound in: a value moved elsewhere does not open."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, text.encode(), place)

    def open(self, sealed: bytes, place: bytes) -> str:
        """The text that was sealed for this place. Raises WrongKeyError."""
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place).decode()
        except InvalidTag as error:
            raise WrongKeyError("a sealed value does not open with this key") from error


def nik_place(nik_hmac: bytes) -> bytes:
    """The place of a participant's sealed NIK."""
    return b"nik\0" + nik_hmac


PHONE_PLACE: Final = b"phone"
"""The place of a sealed phone number: without NIK: a correction is sealed before the participant is known."""


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, b"jakpreneur registration: " + purpose).derive(secret)

"""Encrypts personal data (AES-256-GCM) and computes keyed fingerprints (HMAC-SHA256).

The fingerprints are those of NIKs, request bodies, import files and links to results.

Each purpose has its own key, derived from one secret (HKDF-SHA256, RFC 5869).
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
    """A value cannot be decrypted: another key or other associated data encrypted it, or it was altered.

    Compare `participant.cipher_key_id` with the key id that the process logs at its start.
    """


def secret_from_text(text: str) -> bytes:
    """Decode a base64 secret. Raises ValueError if it is not 32 bytes; the message omits the secret."""
    try:
        secret = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("must be base64") from None
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"must be {SECRET_BYTES} bytes in base64, as `openssl rand -base64 32` prints them")
    return secret


class Cipher:
    """Encrypts and fingerprints with the register's keys.

    An encrypted ("sealed") value is a random nonce followed by the AES-256-GCM ciphertext.
    """

    def __init__(self, secret: bytes) -> None:
        self._nik = hmac.new(_derived(secret, b"nik hmac"), digestmod=hashlib.sha256)
        self._body = hmac.new(_derived(secret, b"body hmac"), digestmod=hashlib.sha256)
        self._file = hmac.new(_derived(secret, b"file hmac"), digestmod=hashlib.sha256)
        self._result = hmac.new(_derived(secret, b"result hmac"), digestmod=hashlib.sha256)
        self._aead = AESGCM(_derived(secret, b"personal data"))
        self.key_id: Final = _derived(secret, b"key id").hex()[:KEY_ID_CHARACTERS]

    def nik_hmac(self, nik: str) -> bytes:
        """Return the fingerprint of a NIK, 32 bytes. The register finds participants by it."""
        digest = self._nik.copy()
        digest.update(nik.encode())
        return digest.digest()

    def body_hmac(self, *parts: bytes) -> bytes:
        """Return the fingerprint of a request, 32 bytes.

        The length of each part is hashed before the part, so that moving bytes from one part to the next
        changes the fingerprint.
        """
        digest = self._body.copy()
        for part in parts:
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.digest()

    def result_hmac(self, participant_id: bytes) -> bytes:
        """Return the signature of a link to the result of a registration, 32 bytes."""
        digest = self._result.copy()
        digest.update(participant_id)
        return digest.digest()

    def file_hmac(self) -> hmac.HMAC:
        """Return a new keyed digest for a file. Call its `update` with each block, then `hexdigest`."""
        return self._file.copy()

    def seal(self, text: str, associated_data: bytes) -> bytes:
        """Encrypt a text. Decrypting it with `open` needs the same `associated_data`.

        For a NIK these data identify the row, so an encrypted NIK copied to another row cannot be decrypted.
        """
        return self.seal_bytes(text.encode(), associated_data)

    def open(self, sealed: bytes, associated_data: bytes) -> str:
        """Decrypt a sealed text. Raises WrongKeyError if that fails."""
        return self.open_bytes(sealed, associated_data).decode()

    def seal_bytes(self, data: bytes, associated_data: bytes) -> bytes:
        """Encrypt bytes, as `seal` encrypts a text."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, data, associated_data)

    def open_bytes(self, sealed: bytes, associated_data: bytes) -> bytes:
        """Decrypt sealed bytes. Raises WrongKeyError if that fails."""
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated_data)
        except InvalidTag as error:
            raise WrongKeyError("a value cannot be decrypted with this key") from error


def nik_associated_data(nik_hmac: bytes) -> bytes:
    """Return the associated data for encrypting the NIK that has this fingerprint."""
    return b"nik\0" + nik_hmac


PHONE_ASSOCIATED_DATA: Final = b"phone"
"""The associated data of every phone number.

They do not contain the NIK's fingerprint: the code that encrypts a corrected phone number does not know it.
"""


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, b"jakpreneur registration: " + purpose).derive(secret)

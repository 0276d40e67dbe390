"""The type of secret settings, which refuses short texts and texts that were published as defaults."""

from __future__ import annotations

import hashlib
from typing import Annotated, Final

from pydantic import AfterValidator, SecretStr

CHARACTERS_MIN: Final = 16
# SHA-256 of the values that former versions of docker-compose.yml used when no value was set.
PUBLISHED_HASHES: Final = frozenset(
    {
        "02f558fb608a96765ff2d8e7c8b0e606c3cffbf854cee1097c081097a2e26ef7",
        "63a27210ee4a5cd1e16d2d15e77987af258c3650c485e9e425aad2a69c6f1eba",
        "d2e8af3fd3d2790a96359ad976bed37513b9c88b4f248528f4828bc920feecf2",
        "e955ed6057342f818f81d71c669282105ae6761e8d2b984c2019c2adc151705c",
    }
)


def refuse_guessable(value: SecretStr) -> SecretStr:
    """Return the secret. Raises ValueError if it is too short or known to everybody; the message omits it."""
    text = value.get_secret_value()
    if hashlib.sha256(text.encode()).hexdigest() in PUBLISHED_HASHES:
        raise ValueError("this value is public, because a former version used it as its default")
    if len(text) < CHARACTERS_MIN:
        raise ValueError(f"must have at least {CHARACTERS_MIN} characters")
    return value


Secret = Annotated[SecretStr, AfterValidator(refuse_guessable)]

"""Validates and normalises names of people and businesses: visible text without control characters."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Final

# Control characters, halves of surrogate pairs, and separators of lines and paragraphs. PostgreSQL cannot
# store the control character U+0000.
REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Characters that change the text direction. With them, a name could look like a different name.
REFUSED_CHARACTERS: Final = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
VISIBLE_CATEGORIES: Final = frozenset("LN")


class TextFault(StrEnum):
    """Why a text is no valid name."""

    CONTROL = "control_characters"
    BLANK = "blank"


def fault(text: str) -> TextFault | None:
    """Return what is wrong with a name, None if it is valid. A name needs at least one letter or digit."""
    if text.isascii() and text.isprintable():
        return None if any(map(str.isalnum, text)) else TextFault.BLANK
    categories = [unicodedata.category(character) for character in text]
    if not REFUSED_CATEGORIES.isdisjoint(categories) or not REFUSED_CHARACTERS.isdisjoint(text):
        return TextFault.CONTROL
    if not any(category[0] in VISIBLE_CATEGORIES for category in categories):
        return TextFault.BLANK
    return None


def normalize(text: str) -> str:
    """Convert to NFC, remove white space at both ends, and each other series by one blank."""
    return " ".join(unicodedata.normalize("NFC", text).split())

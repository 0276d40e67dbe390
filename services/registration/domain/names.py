"""Which texts people may give for names: something to read, on one line, that can be stored everywhere."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Final

# Control characters (U+0000 makes PostgreSQL refuse a batch), halves of surrogate pairs, line separators.
REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Characters that turn the direction of what follows: a name could be shown as another.
REFUSED_CHARACTERS: Final = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
VISIBLE_CATEGORIES: Final = frozenset("LN")


class TextFault(StrEnum):
    """Why a text is no name."""

    CONTROL = "control_characters"
    BLANK = "blank"


def fault(text: str) -> TextFault | None:
    """What is wrong with a name, or None where nothing is. It needs at least one letter or digit."""
    if text.isascii() and text.isprintable():
        return None if any(map(str.isalnum, text)) else TextFault.BLANK
    categories = [unicodedata.category(character) for character in text]
    if not REFUSED_CATEGORIES.isdisjoint(categories) or not REFUSED_CHARACTERS.isdisjoint(text):
        return TextFault.CONTROL
    if not any(category[0] in VISIBLE_CATEGORIES for category in categories):
        return TextFault.BLANK
    return None


def tidied(text: str) -> str:
    """The text in composed form (NFC), blanks around it taken away and those within it made single."""
    return " ".join(unicodedata.normalize("NFC", text).split())
